/**
 * The graphs inside nodes: the branches of `If`, the bodies of `Loop` and `Scan`. A {@link Graph} again, whose `outer` is the graph
 * around: it reads values from there ("captures" them) as it reads its own. What is made here is written back as a new node.
 */
import { create } from '@bufbuild/protobuf'
import { type GraphProto, GraphProtoSchema, type NodeProto } from 'onnx-buf'
import { type AttributeValue, attribute, graphsOf } from './attributes.js'
import { toNode } from './decode.js'
import { toNodeProto } from './encode.js'
import { Graph, type Node } from './ir.js'
import { replaced } from './messages.js'

/** The graph that a node carries as an attribute; undefined where it has none of that name. */
export function subgraph(graph: Graph, node: Node, name: string): Graph | undefined {
  const proto = node.attributes.get(name)?.g
  return proto && insideOf(graph, proto)
}

/** Every graph that a node carries, by the attribute's name. */
export function subgraphs(graph: Graph, node: Node): readonly (readonly [string, Graph])[] {
  return [...node.attributes].flatMap(([name, a]) => (a.g ? [[name, insideOf(graph, a.g)] as const] : []))
}

function insideOf(outer: Graph, proto: GraphProto): Graph {
  return new Graph({
    ...outer,
    outer,
    nodes: proto.node.map(toNode),
    inputs: proto.input,
    outputs: proto.output,
    initializers: new Map(proto.initializer.map((t) => [t.name, t])),
    valueInfo: proto.valueInfo,
  })
}

/** A graph inside `outer` with nothing in it yet: to be filled by a builder, for a node that is made. */
export function emptyInside(outer: Graph): Graph {
  return new Graph({ ...outer, outer, nodes: [], inputs: [], outputs: [], initializers: new Map(), valueInfo: [] })
}

/** A graph as the attribute of a node. */
export function toGraphProto(graph: Graph, name: string): GraphProto {
  return create(GraphProtoSchema, {
    name,
    node: graph.nodes.map(toNodeProto),
    input: [...graph.inputs],
    output: [...graph.outputs],
    initializer: [...graph.initializers.values()],
    valueInfo: [...graph.valueInfo],
  })
}

/** The node with other attributes added or in place of its own. */
export function withAttributes(node: Node, values: Readonly<Record<string, AttributeValue>>): Node {
  const changed = Object.entries(values).map(([name, value]) => [name, attribute(name, value)] as const)
  return { ...node, attributes: new Map([...node.attributes, ...changed]) }
}

/** The graph with `change` applied to every graph directly inside its nodes; itself where none changes. */
export function mapSubgraphs(graph: Graph, change: (inner: Graph) => Graph): Graph {
  let changed = false
  const nodes = graph.nodes.map((node) => {
    const made: Record<string, GraphProto> = {}
    for (const [name, inner] of subgraphs(graph, node)) {
      const result = change(inner)
      if (result !== inner) made[name] = toGraphProto(result, name)
    }
    if (Object.keys(made).length === 0) return node
    changed = true
    return withAttributes(node, made)
  })
  return changed ? graph.with({ nodes }) : graph
}

/**
 * The node with its values renamed, those inside its graphs included. A name that a graph inside has for a value of its own is
 * renamed with the others, so that what means the same goes on meaning the same.
 */
export function renameValues(node: Node, rename: (name: string) => string): Node {
  const name = (value: string): string => (value === '' ? '' : rename(value))
  const attributes = new Map(
    [...node.attributes].map(([key, a]) => [key, a.g ? attribute(key, renameGraph(a.g, rename)) : a]),
  )
  return { ...node, inputs: node.inputs.map(name), outputs: node.outputs.map(name), attributes }
}

function renameGraph(graph: GraphProto, rename: (name: string) => string): GraphProto {
  const node = (n: NodeProto): NodeProto => toNodeProto(renameValues(toNode(n), rename))
  const named = <T extends { name: string }>(v: T): T => replaced<{ name: string }>(v, { name: rename(v.name) }) as T
  return replaced(graph, {
    node: graph.node.map(node),
    input: graph.input.map(named),
    output: graph.output.map(named),
    initializer: graph.initializer.map(named),
    valueInfo: graph.valueInfo.map(named),
  })
}

/** Calls back with the names of values and of nodes inside a graph inside a node, at every depth. */
function visitNames(graph: GraphProto, value: (name: string) => void, node: (name: string) => void): void {
  for (const v of [...graph.input, ...graph.initializer]) value(v.name)
  for (const n of graph.node) {
    node(n.name)
    for (const o of n.output) value(o)
    for (const a of n.attribute) if (a.g) visitNames(a.g, value, node)
  }
}

/** The values that are made in the graph or in one inside it: all that it reads but those it captures. */
export function ownValues(graph: Graph): Set<string> {
  const names = new Set(graph.valueNames())
  const nothing = (): void => {}
  for (const n of graph.nodes) for (const inner of graphsOf(n)) visitNames(inner, (name) => names.add(name), nothing)
  return names
}

/** Every name that must not be taken again: values and nodes here, in graphs inside, and in those around. */
export function namesInUse(graph: Graph): Set<string> {
  const names = new Set<string>()
  const add = (name: string): void => {
    names.add(name)
  }
  for (let g: Graph | undefined = graph; g; g = g.outer) {
    for (const v of g.valueNames()) add(v)
    for (const n of g.nodes) {
      add(n.name)
      for (const inner of graphsOf(n)) visitNames(inner, add, add)
    }
  }
  return names
}
