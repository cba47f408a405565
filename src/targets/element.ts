/** Elements of any value of the graph: how they are written, checked, and weighed. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import type { Dim } from '../core/runtime.js'
import { float32 } from '../core/tensor.js'
import type { Builder, Extent } from '../onnx/builder.js'
import { printDims } from '../onnx/shapes.js'
import type { TargetContext } from './target.js'

/** A value with what stands in brackets behind its name: numbers, and `:` for all along an axis. */
export interface Subscript {
  readonly value: string
  readonly at: readonly (number | undefined)[]
}

/** `conv5[3, :, 2]`. Throws `bad-option`. */
export function parseSubscript(text: string, kind: string): Subscript {
  const [, value, inside] = /^\s*(.*\S)\s*\[([^\]]*)\]\s*$/.exec(text) ?? []
  const parts = inside?.split(',').map((part) => part.trim())
  if (value && parts?.every((part) => part === ':' || /^\d+$/.test(part)))
    return { value, at: parts.map((part) => (part === ':' ? undefined : Number(part))) }
  throw new ExplainError('bad-option', {
    what: `"${text}" names no element`,
    where: `target of kind ${kind}`,
    remedy: `Write the value's name, as "onnxplain inspect" shows it, and whole numbers in brackets, such as ${kind}:VALUE[3].`,
  })
}

/** The name of a value, without what may stand in brackets behind it. */
export function bare(text: string): string {
  return text.replace(/\[[^\]]*\]\s*$/, '').trim()
}

/** The axes behind the batch of a value of floats. Throws `unknown-value` and `bad-option`. */
export function axesOf(value: string, { values }: TargetContext, kind: string): readonly Dim[] {
  const info = values.get(value)
  if (!info) throw unknownValue(value, values.keys())
  if (!info.dims || info.dims.length < 1 || (info.type && !info.type.includes('float')))
    throw new ExplainError('bad-option', {
      what: `"${value}" is ${info.type ?? 'of unknown type'}${info.dims ? printDims(info.dims) : ', of unknown rank'}, of which nothing can be explained`,
      where: `target of kind ${kind}`,
      remedy: 'Name a value of floats with a row for each picture.',
    })
  return info.dims.slice(1)
}

export function unknownValue(value: string, names: Iterable<string>): ExplainError {
  return new ExplainError('unknown-value', {
    what: `There is no value "${value}" in this model`,
    remedy:
      didYouMean(value, names) || '"onnxplain inspect MODEL" lists the outputs and layers; Netron shows all values.',
    details: { value },
  })
}

/** Throws `bad-option` for an index that an axis does not have. */
export function checkIndex(index: number, axis: Dim | undefined, name: string, kind: string): void {
  if (axis === undefined || (typeof axis === 'number' && index >= axis))
    throw new ExplainError('bad-option', {
      what:
        axis === undefined
          ? `${name} is of an axis that is not there`
          : `${name} is ${index}, and the axis has ${axis}`,
      where: `target of kind ${kind}`,
    })
}

/** Indices of any shape with one more axis, of `count`: 1 at the index, 0 elsewhere. */
export function oneHot(b: Builder, index: string, count: Extent): string {
  const depth = b.op('Reshape', [b.vector([count]), b.int64s([1])])
  return b.op('OneHot', [index, depth, b.constant(float32([2], [0, 1]))], { axis: -1 })
}

/** `[N,...]` with 1 at `index` (int64 `[N]`) along one axis, 1 elsewhere, with axes of size 1 for all others. */
export function hotAlong(b: Builder, value: string, index: string, axis: number): string {
  const rank = b.requireRank(value, 'an element of a value')
  const hot = oneHot(b, index, b.extent(value, axis))
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 0 && i !== axis)
  return others.length === 0 ? hot : b.op('Unsqueeze', [hot, b.int64s(others)])
}

/** The axis of channels where none is named: 1; of tokens `[N,T,D]` the last. */
export function channelAxis(dims: readonly Dim[]): number {
  return dims.length === 2 ? 2 : 1
}
