/**
 * Inlines model-local functions (`ModelProto.functions`, as PyTorch's exporters write them). Requires: nothing. Guarantees: no call of such
 * a function is left, in graphs inside nodes neither, and the model carries none; the same answers, the same value names. Where
 * functions are written for another opset than the model, both are upgraded. Source: ONNX's IR.md, "Functions".
 */
import type { AttributeProto, FunctionProto, NodeProto } from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import { graphsOf } from '../onnx/attributes.js'
import { Builder, declare } from '../onnx/builder.js'
import { canonicalDomain, toNode } from '../onnx/decode.js'
import { describe, type Graph, type Node } from '../onnx/ir.js'
import { replaced } from '../onnx/messages.js'
import { mapSubgraphs } from '../onnx/subgraphs.js'
import { splice } from './splice.js'
import { upgrade } from './upgrade.js'
import { validate } from './validate.js'

/** What a call is known by: functions may have several overloads. */
function keyOf(domain: string, name: string, overload: string): string {
  return [canonicalDomain(domain), name, overload].join('\n')
}

interface Functions {
  readonly find: (node: Node) => FunctionProto | undefined
  /** What brings a graph to the opset that all are joined at. */
  readonly convert: (graph: Graph) => Graph
}

export function inlineFunctions(graph: Graph): Graph {
  const { functions } = graph.origin
  if (functions.length === 0) return graph
  const table = new Map(functions.map((f) => [keyOf(f.domain, f.name, f.overload), f]))
  const versions = [graph.opset, ...functions.map((f) => opsetsOf(f).get('') ?? graph.opset)]
  const convert = versions.every((v) => v === graph.opset) ? (g: Graph) => g : upgrade
  const found = (node: Node): FunctionProto | undefined =>
    table.get(keyOf(node.domain, node.op, node.origin?.overload ?? ''))
  const inlined = inlineIn(convert(graph), { find: found, convert }, [])
  const left = domainsOf(inlined.nodes)
  const gone = new Set(functions.map((f) => canonicalDomain(f.domain)).filter((d) => d !== '' && !left.has(d)))
  const imported = [...functions.flatMap((f) => [...opsetsOf(f)]), ...inlined.opsets].filter(([d]) => !gone.has(d))
  const result = inlined.with({
    opsets: new Map([...imported, ['', Math.max(inlined.opset, ...(convert === upgrade ? versions : []))]]),
    origin: replaced(graph.origin, { functions: [] }),
  })
  return validate(result)
}

function opsetsOf(f: FunctionProto): ReadonlyMap<string, number> {
  return new Map(f.opsetImport.map((o) => [canonicalDomain(o.domain), Number(o.version)]))
}

function domainsOf(nodes: readonly Node[]): Set<string> {
  return new Set(nodes.flatMap((n) => [n.domain, ...graphsOf(n).flatMap((g) => [...domainsOf(g.node.map(toNode))])]))
}

/** `calling`: the functions that are being inlined around this graph. */
function inlineIn(graph: Graph, functions: Functions, calling: readonly FunctionProto[]): Graph {
  const inner = mapSubgraphs(graph, (g) => inlineIn(g, functions, calling))
  if (!inner.nodes.some(functions.find)) return inner
  const b = new Builder(inner)
  for (const node of inner.nodes) {
    const f = functions.find(node)
    if (!f) b.emit(node)
    else if (calling.includes(f))
      throw new ExplainError('invalid-model', { what: `The function ${f.name} calls itself`, where: describe(node) })
    else inlineCall(b, node, f, functions, calling)
  }
  return inner.with({ nodes: b.nodes, initializers: b.initializers() })
}

function inlineCall(
  b: Builder,
  call: Node,
  f: FunctionProto,
  functions: Functions,
  calling: readonly FunctionProto[],
): void {
  const given = attributesOf(call, f)
  const own = b.graph.with({
    outer: undefined,
    nodes: f.node.map((n) => toNode(substitute(n, given))),
    inputs: f.input.map((name) => declare(name)),
    outputs: f.output.map((name) => declare(name)),
    initializers: new Map(),
    valueInfo: [],
    opsets: new Map([...b.graph.opsets, ...opsetsOf(f)]),
  })
  const body = inlineIn(functions.convert(own), functions, [...calling, f])
  b.scope(call.name || call.outputs[0] || f.name, () =>
    splice(
      b,
      body,
      f.input.map((_, i) => call.inputs[i] ?? ''),
      f.output.map((_, i) => call.outputs[i] ?? ''),
      (node) => b.emit(node),
    ),
  )
}

/** The attributes that a function's body may refer to: those of the call, else its defaults. */
function attributesOf(call: Node, f: FunctionProto): ReadonlyMap<string, AttributeProto> {
  return new Map([...f.attributeProto.map((a): [string, AttributeProto] => [a.name, a]), ...call.attributes])
}

/** References to the function's attributes replaced by what the call gives; without it, the attribute is absent. */
function substitute(node: NodeProto, given: ReadonlyMap<string, AttributeProto>): NodeProto {
  const attribute = node.attribute.flatMap((a): AttributeProto[] => {
    if (a.refAttrName === '')
      return [a.g ? replaced(a, { g: replaced(a.g, { node: a.g.node.map((n) => substitute(n, given)) }) }) : a]
    const value = given.get(a.refAttrName)
    return value ? [replaced(value, { name: a.name })] : []
  })
  return replaced(node, { attribute })
}
