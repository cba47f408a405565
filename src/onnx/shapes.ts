/** What is known of a graph's values before a run: declared in the file, or told by the runtime (see probe.ts). */
import type { ValueInfoProto } from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import type { Dim, ValueInfo } from '../core/runtime.js'
import type { Graph } from './ir.js'
import { dataType } from './tensors.js'

/** Types and shapes by value name. */
export type Shapes = ReadonlyMap<string, ValueInfo>

export function valueInfo(proto: ValueInfoProto): ValueInfo {
  const type = proto.type?.value
  if (type?.case !== 'tensorType') return { name: proto.name, type: undefined, dims: undefined }
  const dims = type.value.shape?.dim.map((d): Dim => {
    // PaddlePaddle's exporter writes -1 for a free axis
    if (d.value.case === 'dimValue') return d.value.value < 0n ? null : Number(d.value.value)
    return d.value.case === 'dimParam' && d.value.value !== '' ? d.value.value : null
  })
  return { name: proto.name, type: dataType(type.value.elemType), dims }
}

/** What the file itself says: inputs, outputs, `value_info` and initialisers, those of the graph around included. */
export function declaredShapes(graph: Graph): Shapes {
  const declared = [...graph.inputs, ...graph.outputs, ...graph.valueInfo].map(valueInfo)
  const stored = [...graph.initializers].map(
    ([name, t]): ValueInfo => ({ name, type: dataType(t.dataType), dims: t.dims.map(Number) }),
  )
  const outer = graph.outer ? declaredShapes(graph.outer) : []
  return new Map([...outer, ...[...declared, ...stored].map((v): [string, ValueInfo] => [v.name, v])])
}

/** An axis counted from the front. Throws `invalid-model` for one that the value does not have. */
export function axisWithin(axis: number, rank: number, value: string): number {
  const found = axis < 0 ? axis + rank : axis
  if (found >= 0 && found < rank) return found
  throw new ExplainError('invalid-model', {
    what: `Axis ${axis} is asked of "${value}", which has ${rank} axes`,
    remedy: 'The file is damaged, or was not written by an ONNX exporter.',
  })
}

/** True where every axis is a number. */
export function isStatic(dims: readonly Dim[] | undefined): dims is readonly number[] {
  return dims?.every((d) => typeof d === 'number') ?? false
}

export function printDims(dims: readonly Dim[] | undefined): string {
  return dims ? `[${dims.map((d) => d ?? '?').join(', ')}]` : '[unknown rank]'
}
