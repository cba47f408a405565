/** The named axes of two graphs of which one reads what the other gives: what is one axis gets one name, and what is not gets two. */
import type { ValueInfoProto } from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import type { Dim, ValueInfo } from '../core/runtime.js'
import { declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { printDims, valueInfo } from '../onnx/shapes.js'

/** An encoder's output and a decoder's input. */
export interface Link {
  readonly output: ValueInfo
  readonly input: ValueInfo
}

export interface Bound {
  readonly front: Graph
  readonly back: Graph
}

/**
 * Both graphs with their axes' names made one: the axes of what goes over are the same, its first one the batch of the front's inputs, and a
 * size that one of them knows is known to both. Throws `shape-mismatch` where two sizes contradict each other.
 */
export function bindAxes(front: Graph, back: Graph, { output, input }: Link): Bound {
  const [given, taken] = [output.dims, input.dims]
  const [inFront, inBack] = [new Map<string, Dim>(), new Map<string, Dim>()]
  if (given && taken && given.length !== taken.length) throw mismatch({ output, input })
  const batch = valueInfo(front.inputs.find(isBatched) ?? declare('')).dims?.[0]
  for (const [i, dim] of (taken ?? []).entries()) {
    const own = given?.[i] ?? null
    const other = i === 0 ? (batch ?? own) : own
    if (typeof dim === 'number') {
      if (typeof other === 'number' && other !== dim) throw mismatch({ output, input })
      for (const name of [own, other]) if (typeof name === 'string') inFront.set(name, dim)
    } else if (dim !== null && other !== null) inBack.set(dim, other)
  }
  const used = new Set([...front.inputs, ...front.outputs, ...front.valueInfo].flatMap(axisNames))
  const theirs = (name: string): Dim => inBack.get(name) ?? (used.has(name) ? `decoder/${name}` : name)
  return { front: withAxes(front, (name) => inFront.get(name) ?? name), back: withAxes(back, theirs) }
}

/** What a picture, a volume or a signal has: a batch, channels, and places. */
function isBatched(proto: ValueInfoProto): boolean {
  const { type, dims } = valueInfo(proto)
  return (type?.includes('float') ?? false) && (dims?.length ?? 0) >= 3
}

function axisNames(proto: ValueInfoProto): readonly string[] {
  return valueInfo(proto).dims?.filter((d) => typeof d === 'string') ?? []
}

function withAxes(graph: Graph, rename: (name: string) => Dim): Graph {
  const bound = (proto: ValueInfoProto): ValueInfoProto => {
    const { name, type, dims } = valueInfo(proto)
    if (!type || !dims?.some((d) => typeof d === 'string' && rename(d) !== d)) return proto
    return declare(
      name,
      type,
      dims.map((d) => (typeof d === 'string' ? rename(d) : d)),
    )
  }
  return graph.with({
    inputs: graph.inputs.map(bound),
    outputs: graph.outputs.map(bound),
    valueInfo: graph.valueInfo.map(bound),
  })
}

function mismatch({ output, input }: Link): ExplainError {
  return new ExplainError('shape-mismatch', {
    what: `The encoder gives ${output.name} ${printDims(output.dims)}, and the decoder takes ${input.name} ${printDims(input.dims)}`,
    remedy: 'The two files must be of one model.',
    details: { output, input },
  })
}
