/**
 * Operators that hold graphs. Their gradient is the same operator with other graphs in it: each computes what its graph did once more,
 * and walks back through it. What a graph captures from outside is an input like the others, and comes behind them in `x`.
 */
import { ExplainError } from '../../core/errors.js'
import { intOf, intsOf } from '../../onnx/attributes.js'
import { Builder, declare } from '../../onnx/builder.js'
import { describe, type Graph, type Node, reads } from '../../onnx/ir.js'
import { subgraph, toGraphProto, withAttributes } from '../../onnx/subgraphs.js'
import { prune } from '../../passes/prune.js'
import { defineRules, type Pullback, type RuleCall } from '../rule.js'
import { zerosLike } from '../scatter.js'

/** The graph that a node must have. */
function graphIn(b: Builder, node: Node, name: string): Graph {
  const found = subgraph(b.graph, node, name)
  if (!found) throw new ExplainError('invalid-model', { what: `${node.op} has no ${name}`, where: describe(node) })
  return found
}

/** Gradients that are made all at once, when the first one is asked for. */
function together(wanted: readonly boolean[], make: () => readonly string[]): (Pullback | undefined)[] {
  let made: readonly string[] | undefined
  let place = 0
  return wanted.map((is) => {
    if (!is) return undefined
    const at = place++
    return () => {
      made ??= make()
      return made[at] ?? ''
    }
  })
}

/**
 * The outputs of a graph that `b` adds to: each value, or zeros like its `like` where there is none. A node in the graph must make each,
 * for one output only. Identity stands in where that is not so, and nowhere else: ORT 1.30 takes it away again, and then loses a value
 * that it has fused into a Gemm.
 */
function resultsOf(b: Builder, values: readonly (string | undefined)[], like: readonly string[]): readonly string[] {
  const free = new Set([...b.graph.nodes, ...b.nodes].flatMap((n) => n.outputs))
  return values.map((value, i) => {
    const source = like[i] ?? ''
    const result = value ?? zerosLike(b, source)
    const own = value === undefined || free.delete(value) ? result : b.op('Identity', [result])
    b.know(own, b.type(source), b.dims(source))
    return own
  })
}

function declared(b: Builder, value: string): ReturnType<typeof declare> {
  return declare(value, b.type(value), b.dims(value))
}

/** y = one of two graphs: the gradient is that of the one that is taken, by what it captures; 0 for what it does not read. */
function conditional({ b, node, x, gys, wanted, walk }: RuleCall): (Pullback | undefined)[] {
  return together(wanted, () => {
    const wrt = x.filter((_, i) => wanted[i])
    const back = (name: string): ReturnType<typeof toGraphProto> => {
      const branch = graphIn(b, node, name)
      const inner = new Builder(branch, b.shapes, { outer: b })
      const seeds = branch.outputs.flatMap((o, i): [string, string][] => (gys[i] ? [[o.name, gys[i]]] : []))
      const outputs = resultsOf(inner, walk.pull(inner, seeds, wrt), wrt).map((o) => declare(o))
      return toGraphProto(prune(inner.finish({ outputs })), name)
    }
    const branches = { then_branch: back('then_branch'), else_branch: back('else_branch') }
    return b.ops('If', [x[0] ?? ''], branches, wrt.length)
  })
}

/** A Scan taken apart. */
interface ScanParts {
  readonly body: Graph
  /** What the body calls its state as a step begins, and what it is given at first, in order. */
  readonly states: readonly { readonly name: string; readonly initial: string }[]
  /** What the body calls its part of a sequence; the axis along which the sequence is cut; 1: from its end. */
  readonly sequences: readonly Sequence[]
  /** The same of what is made step by step. */
  readonly made: readonly Sequence[]
}

interface Sequence {
  /** Inside the body. */
  readonly name: string
  /** Outside. */
  readonly whole: string
  readonly axis: number
  readonly direction: number
}

function partsOf(b: Builder, node: Node): ScanParts {
  const body = graphIn(b, node, 'body')
  const count = node.inputs.length - intOf(node, 'num_scan_inputs', 0)
  const list = (attribute: string, i: number): number => intsOf(node, attribute, [])[i] ?? 0
  return {
    body,
    states: node.inputs.slice(0, count).map((initial, i) => ({ name: body.inputs[i]?.name ?? '', initial })),
    sequences: node.inputs.slice(count).map((whole, i) => ({
      name: body.inputs[count + i]?.name ?? '',
      whole,
      axis: list('scan_input_axes', i),
      direction: list('scan_input_directions', i),
    })),
    made: body.outputs.slice(count).map((o, i) => ({
      name: o.name,
      whole: node.outputs[count + i] ?? '',
      axis: list('scan_output_axes', i),
      direction: list('scan_output_directions', i),
    })),
  }
}

/** `[T, ...]`: a state as each step found it, in the order of the steps: what the Scan gives already, or gives as an output more. */
function statesOf(b: Builder, node: Node, parts: ScanParts, state: string): string {
  const current = b.current(node)
  const body = graphIn(b, current, 'body')
  const list = (name: string): readonly number[] => intsOf(current, name, [])
  const known = body.outputs.findIndex(({ name }, i) => {
    const [kept, place] = [body.producer(name), i - parts.states.length]
    const inOrder = !list('scan_output_axes')[place] && !list('scan_output_directions')[place]
    return place >= 0 && kept?.op === 'Identity' && kept.inputs[0] === state && inOrder && current.outputs[i]
  })
  if (known >= 0) return current.outputs[known] ?? ''
  const inner = new Builder(body, b.shapes, { outer: b })
  const kept = inner.op('Identity', [state])
  const graph = inner.finish({ outputs: [...body.outputs, declare(kept)] })
  const whole = b.fresh(`${state}/steps`)
  const more = ['scan_output_axes', 'scan_output_directions'].filter((name) => current.attributes.has(name))
  const lists = more.map((name) => [name, [...list(name), 0]] as const)
  const { initial } = parts.states.find((s) => s.name === state) ?? { initial: '' }
  const dims = b.dims(initial)
  b.know(whole, b.type(initial), dims && [null, ...dims])
  b.replace(node, {
    ...withAttributes(current, { body: toGraphProto(graph, 'body'), ...Object.fromEntries(lists) }),
    outputs: [...body.outputs.map((o, i) => current.outputs[i] || b.fresh(`${o.name}/unread`)), whole],
  })
  return whole
}

/** The builder of the body's gradient, which knows of the body's inputs what is known outside. */
function insideBody(b: Builder, { body, states, sequences }: ScanParts): Builder {
  const inner = new Builder(body, b.shapes, { outer: b })
  for (const [i, { name, initial }] of states.entries()) {
    // a state keeps its shape, so that its rank is that of what a step makes of it
    const next = body.outputs[i]?.name ?? ''
    inner.know(name, b.type(initial) ?? inner.type(next), b.dims(initial) ?? inner.dims(next)?.map(() => null))
  }
  for (const { name, whole, axis } of sequences) inner.know(name, b.type(whole), b.dims(whole)?.toSpliced(axis, 1))
  return inner
}

/** The states through which something wanted goes on to later steps. */
function activeStates(walk: RuleCall['walk'], inner: Builder, parts: ScanParts, wanted: readonly string[]): string[] {
  const active = new Set(wanted)
  for (;;) {
    const reached = walk.dependents(inner, [...active])
    const more = parts.states.filter((s, i) => !active.has(s.name) && reached.has(parts.body.outputs[i]?.name ?? ''))
    if (more.length === 0) return parts.states.map((s) => s.name).filter((name) => active.has(name))
    for (const s of more) active.add(s.name)
  }
}

/**
 * A Scan over the steps in reverse order. Its states are the gradients of the forward states, and the sums of the gradients of what the
 * body captures; it reads the forward states as each step found them, the parts of the sequences and the gradients that arrive, and
 * gives the gradients of the parts.
 */
function scan(call: RuleCall): (Pullback | undefined)[] {
  const { b, node, x, gys, wanted, walk } = call
  return together(wanted, () => {
    const parts = partsOf(b, node)
    const { body, states, sequences, made } = parts
    const isWanted = (i: number): boolean => wanted[i] ?? false
    const captured = x.filter((_, i) => i >= node.inputs.length && isWanted(i))
    const wantedStates = states.filter((_, i) => isWanted(i)).map((s) => s.name)
    const cut = sequences.filter((_, i) => isWanted(states.length + i))
    const inner = insideBody(b, parts)
    const active = activeStates(walk, inner, parts, [...wantedStates, ...captured, ...cut.map((s) => s.name)])

    const gradientLike = (value: string): string => {
      const name = inner.fresh(`gradient/${value}`)
      inner.know(name, inner.type(value), inner.dims(value))
      return name
    }
    const stateGradients = new Map(active.map((name) => [name, gradientLike(name)]))
    const sums = new Map(captured.map((name) => [name, gradientLike(name)]))
    const arriving = made.flatMap((m, i) => {
      const whole = gys[states.length + i]
      return whole === undefined ? [] : [{ ...m, whole, name: gradientLike(m.name), of: m.name }]
    })
    const seeds = [
      ...states.flatMap((s, i): [string, string][] => {
        const gradient = stateGradients.get(s.name)
        return gradient === undefined ? [] : [[body.outputs[i]?.name ?? '', gradient]]
      }),
      ...arriving.map((a): [string, string] => [a.of, a.name]),
    ]
    const wrt = [...active, ...captured, ...cut.map((s) => s.name)]
    // ORT must be told the rank of all that a body gives
    for (const value of wrt) inner.requireRank(value, 'Scan')
    const pulled = walk.pull(inner, seeds, wrt).map((gradient, i) => {
      const sum = sums.get(wrt[i] ?? '')
      return sum && gradient ? inner.op('Add', [sum, gradient]) : (gradient ?? sum)
    })
    const outputs = resultsOf(inner, pulled, wrt)

    const graph = prune(inner.finish({ outputs: outputs.map((o) => declared(inner, o)) }))
    const used = new Set([...graph.nodes.flatMap((n) => [...reads(n)])])
    const before = states.filter((s) => used.has(s.name))
    const parted = sequences.filter((s, i) => used.has(s.name) || (i === 0 && before.length === 0))
    const given = arriving.filter((a) => used.has(a.name))
    const zeros = (value: string): string => zerosLike(b, value)
    const initials = [
      ...states.flatMap((s, i) => (stateGradients.has(s.name) ? [gys[i] ?? zeros(s.initial)] : [])),
      ...captured.map(zeros),
    ]
    const inputs = [
      ...stateGradients.values(),
      ...sums.values(),
      ...[...before, ...parted, ...given].map((v) => v.name),
    ]
    const results = b.ops(
      'Scan',
      [
        ...initials,
        ...before.map((s) => statesOf(b, node, parts, s.name)),
        ...[...parted, ...given].map((s) => s.whole),
      ],
      {
        body: toGraphProto(graph.with({ inputs: inputs.map((name) => declared(inner, name)) }), 'body'),
        num_scan_inputs: before.length + parted.length + given.length,
        scan_input_axes: [...before.map(() => 0), ...[...parted, ...given].map((s) => s.axis)],
        scan_input_directions: [...before.map(() => 1), ...[...parted, ...given].map((s) => 1 - s.direction)],
        ...(cut.length > 0
          ? { scan_output_axes: cut.map((s) => s.axis), scan_output_directions: cut.map((s) => 1 - s.direction) }
          : {}),
      },
      outputs.length,
    )
    const gradients = new Map(wrt.map((value, i) => [value, results[i] ?? '']))
    return [...wantedStates, ...cut.map((s) => s.name), ...captured].map((value) => gradients.get(value) ?? '')
  })
}

export const control = defineRules({
  If: { rule: conditional },
  Scan: { rule: scan },
})
