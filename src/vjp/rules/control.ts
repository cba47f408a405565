/**
 * Operators that hold graphs. Their gradient is the same operator with other graphs in it: each computes what its graph did once more,
 * and walks back through it. What a graph captures from outside is an input like the others, and comes behind them in `x`.
 */
import { intOf, intsOf } from '../../onnx/attributes.js'
import { Builder, declare } from '../../onnx/builder.js'
import { type Graph, type Node, reads } from '../../onnx/ir.js'
import { subgraph, toGraphProto, withAttributes } from '../../onnx/subgraphs.js'
import { prune } from '../../passes/prune.js'
import { defineRules, type Pullback, type RuleCall } from '../rule.js'
import { zerosLike } from '../scatter.js'

/** The graph that a node must have. */
function graphIn(b: Builder, node: Node, name: string): Graph {
  const found = subgraph(b.graph, node, name)
  if (!found) throw new Error(`${node.op} without ${name}`)
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

/** An output of the graph that `b` adds to: the value, or zeros like `like` where there is none. */
function resultOf(b: Builder, value: string | undefined, like: string): string {
  const result = b.op('Identity', [value ?? zerosLike(b, like)])
  b.know(result, b.type(like), b.dims(like))
  return result
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
      const inner = new Builder(branch, b.shapes, b)
      const seeds = branch.outputs.flatMap((o, i): [string, string][] => (gys[i] ? [[o.name, gys[i]]] : []))
      const outputs = walk.pull(inner, seeds, wrt).map((g, i) => declare(resultOf(inner, g, wrt[i] ?? '')))
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

/** `[T, ...]`: a state as each step found it, in the order of the steps. The Scan gives it as an output more. */
function statesOf(b: Builder, node: Node, parts: ScanParts, state: string): string {
  return b.cached(`States ${node.name} ${node.outputs.join()} ${state}`, () => {
    const current = b.current(node)
    const body = graphIn(b, current, 'body')
    const inner = new Builder(body, b.shapes, b)
    const kept = inner.op('Identity', [state])
    const graph = inner.finish({ outputs: [...body.outputs, declare(kept)] })
    const whole = b.fresh(`${state}/steps`)
    const outputs = body.outputs.map((o, i) => current.outputs[i] || b.fresh(`${o.name}/unread`))
    const more = (name: string): Readonly<Record<string, readonly number[]>> =>
      current.attributes.has(name) ? { [name]: [...intsOf(current, name, []), 0] } : {}
    b.replace(node, {
      ...withAttributes(current, {
        body: toGraphProto(graph, 'body'),
        ...more('scan_output_axes'),
        ...more('scan_output_directions'),
      }),
      outputs: [...outputs, whole],
    })
    const dims = b.dims(parts.states.find((s) => s.name === state)?.initial ?? '')
    b.know(whole, b.type(parts.states.find((s) => s.name === state)?.initial ?? ''), dims && [null, ...dims])
    return whole
  })
}

/** The builder of the body's gradient, which knows of the body's inputs what is known outside. */
function insideBody(b: Builder, { body, states, sequences }: ScanParts): Builder {
  const inner = new Builder(body, b.shapes, b)
  for (const { name, initial } of states) inner.know(name, b.type(initial), b.dims(initial))
  for (const { name, whole, axis } of sequences)
    inner.know(name, b.type(whole), b.dims(whole)?.toSpliced(axis, 1))
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
    const outputs = walk.pull(inner, seeds, wrt).map((gradient, i) => {
      const value = wrt[i] ?? ''
      const sum = sums.get(value)
      return resultOf(inner, sum && gradient ? inner.op('Add', [sum, gradient]) : (gradient ?? sum), value)
    })

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
    const inputs = [...stateGradients.values(), ...sums.values(), ...[...before, ...parted, ...given].map((v) => v.name)]
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
