/** The inputs beside the picture: which the answer needs, how they go with a batch, and what they are given. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import type { Dim } from '../core/runtime.js'
import { type DataType, sizeOf, type Tensor, tensor, zeros } from '../core/tensor.js'
import { float16Bits } from '../onnx/float16.js'
import { type Graph, reads } from '../onnx/ir.js'
import { printDims, type Shapes } from '../onnx/shapes.js'
import { wordInputs } from '../text/rows.js'
import { type PictureInput, printInputs } from './input.js'

/** An input that the answer needs, and that does not take the picture. */
export interface OtherInput {
  readonly name: string
  readonly type: DataType
  readonly dims: readonly Dim[]
  /**
   * `row`: the first axis is the picture's batch. `same`: there is one for all pictures. `unclear`: the model does not tell; then pictures
   * go one by one.
   */
  readonly batch: 'row' | 'same' | 'unclear'
}

/** Numbers, or lists of numbers of equal lengths, or lists of such lists. Bool inputs take true and false, and 1 and 0. */
export type Numbers = number | bigint | boolean | readonly Numbers[]

/** What inputs are given, by name: tensors, or plain numbers in the input's shape. */
export type GivenInputs = Readonly<Record<string, Tensor | Numbers>>

/** The inputs that `value` is computed from, besides the picture's, in the model's order. */
export function otherInputs(graph: Graph, shapes: Shapes, picture: PictureInput, value: string): readonly OtherInput[] {
  const needed = ancestors(graph, value)
  const own = shapes.get(picture.name)?.dims?.[0]
  return graph.inputs.flatMap(({ name }): readonly OtherInput[] => {
    const info = shapes.get(name)
    if (name === picture.name || !needed.has(name)) return []
    if (!info?.type || !info.dims)
      throw new ExplainError('no-image-input', {
        what: `The type or the rank of the input "${name}" is not known`,
        remedy: 'Only tensors of declared rank can be given.',
      })
    const [first] = info.dims
    const same = first === undefined || (typeof first === 'number' && first !== 1)
    const row = first !== null && first !== undefined && first === own
    return [{ name, type: info.type, dims: info.dims, batch: row ? 'row' : same ? 'same' : 'unclear' }]
  })
}

/** Every value that a value is computed from, itself included. */
function ancestors(graph: Graph, value: string): ReadonlySet<string> {
  const found = new Set([value])
  const queue = [value]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const node = graph.producer(name)
    for (const input of node ? reads(node) : []) if (!found.has(input) && found.add(input)) queue.push(input)
  }
  return found
}

/**
 * What is fed to each of the other inputs, in its declared type and shape. Axes of size 1 may be left out in front. Throws `missing-input`
 * naming all that are missing, `unknown-value` for a name that the model does not have, `invalid-tensor` and `shape-mismatch`.
 */
export function readGiven(
  others: readonly OtherInput[],
  given: GivenInputs,
  picture: PictureInput,
  graph: Graph,
): Readonly<Record<string, Tensor>> {
  for (const name of Object.keys(given)) refuseUnknown(name, others, picture, graph)
  const missing = others.filter((o) => given[o.name] === undefined)
  if (missing.length > 0)
    throw new ExplainError('missing-input', {
      what: `This model needs ${missing.length === 1 ? 'one more input' : `${missing.length} more inputs`} beside "${picture.name}": ${printInputs(missing)}`,
      remedy: `${wordInputs(missing) ? 'Give the text: --question "..." (or --caption, for models that write), question and caption in the library; or give' : 'Give'} ${missing.length === 1 ? 'it' : 'each'}: ${missing.map((m) => `--input ${m.name}=VALUE`).join(' ')} (a number, numbers separated by commas, JSON, or a .npy file; in the library inputs: { ${missing.map((m) => `${JSON.stringify(m.name)}: ...`).join(', ')} }).`,
      details: { missing },
    })
  return Object.fromEntries(others.map((o) => [o.name, givenTensor(o, given[o.name] ?? 0, picture)]))
}

function refuseUnknown(name: string, others: readonly OtherInput[], picture: PictureInput, graph: Graph): void {
  // an input that the answer does not need may be given all the same
  if (name !== picture.name && graph.inputs.some((i) => i.name === name)) return
  const names = others.map((o) => o.name)
  throw new ExplainError('unknown-value', {
    what:
      name === picture.name
        ? `"${name}" takes the picture, and cannot be given again`
        : `There is no input "${name}" in this model`,
    remedy: didYouMean(name, names) || `Its other inputs are: ${printInputs(others) || 'none'}.`,
    details: { input: name, inputs: names },
  })
}

/** What one input is fed for what it is given, in its type and shape. Throws `invalid-tensor` and `shape-mismatch`. */
export function givenTensor(input: OtherInput, value: Tensor | Numbers, picture: PictureInput): Tensor {
  const { dims, elements } = isTensor(value)
    ? { dims: value.dims, elements: elementsOf(value) }
    : flattened(value, input)
  const shape = [...Array.from({ length: input.dims.length - dims.length }, () => 1), ...dims]
  // a row for each picture: there is one picture
  const full = input.batch === 'row' && typeof input.dims[0] === 'number' && shape[0] === input.dims[0]
  const want = input.batch === 'row' && !full ? [1, ...input.dims.slice(1)] : input.dims
  const surplus = dims.length > input.dims.length
  const fits = want.every((d, i) => typeof d !== 'number' || d === shape[i])
  if (surplus || !fits)
    throw new ExplainError('shape-mismatch', {
      what: `The input "${input.name}" takes ${input.type}${printDims(want)}, but is given [${dims.join(', ')}]`,
      where: `input "${input.name}"`,
      remedy:
        input.batch === 'row' && picture.batch !== undefined
          ? 'Give one row: it is repeated for the fixed batch; or all rows.'
          : 'Axes of size 1 may be left out in front; all others must be there.',
    })
  return converted(input, shape, elements)
}

function isTensor(value: Tensor | Numbers): value is Tensor {
  return typeof value === 'object' && !Array.isArray(value) && 'dims' in value
}

type Element = number | bigint

function elementsOf(t: Tensor): readonly Element[] | ArrayLike<Element> {
  if (t.type === 'float16' || t.type === 'bfloat16')
    throw new ExplainError('invalid-tensor', {
      what: `A tensor of ${t.type} holds bits, not numbers`,
      remedy: 'Give float32; it is converted to what the input takes.',
    })
  return t.data
}

function flattened(
  value: Numbers,
  input: OtherInput,
): { readonly dims: readonly number[]; readonly elements: Element[] } {
  const bad = (what: string): ExplainError =>
    new ExplainError('invalid-tensor', {
      what: `The value for the input "${input.name}" ${what}`,
      where: `input "${input.name}"`,
      remedy: `It takes ${input.type}${printDims(input.dims)}: a number, or lists of numbers of equal lengths.`,
    })
  const shapeOf = (v: Numbers): readonly number[] =>
    Array.isArray(v) ? [v.length, ...(v.length > 0 ? shapeOf(v[0]) : [])] : []
  const dims = shapeOf(value)
  const elements: Element[] = []
  const visit = (v: Numbers, depth: number): void => {
    if (Array.isArray(v)) {
      if (v.length !== dims[depth]) throw bad('has lists of different lengths')
      for (const part of v) visit(part, depth + 1)
      return
    }
    if (depth !== dims.length) throw bad('has lists of different lengths')
    if (typeof v === 'boolean') elements.push(v ? 1 : 0)
    else if (typeof v === 'number' || typeof v === 'bigint') elements.push(v)
    else throw bad('holds something that is not a number')
  }
  visit(value, 0)
  return { dims, elements }
}

const RANGES: Readonly<Partial<Record<DataType, readonly [bigint, bigint]>>> = {
  bool: [0n, 1n],
  int8: [-(2n ** 7n), 2n ** 7n - 1n],
  uint8: [0n, 2n ** 8n - 1n],
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
}

/** The largest finite value. */
const LARGEST: Readonly<Partial<Record<DataType, number>>> = {
  float16: 65504,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
}

/** Numbers as the input's type holds them. Throws `invalid-tensor` for what it cannot hold. */
function converted(input: OtherInput, dims: readonly number[], elements: ArrayLike<Element>): Tensor {
  const { name, type } = input
  const bad = (value: Element, why: string): ExplainError =>
    new ExplainError('invalid-tensor', {
      what: `${value} ${why}, and the input "${name}" takes ${type}${printDims(input.dims)}`,
      where: `input "${name}"`,
    })
  const data = zeros(type, sizeOf(dims))
  const range = RANGES[type]
  const largest = LARGEST[type]
  if (!range && largest === undefined)
    throw new ExplainError('invalid-tensor', { what: `The input "${name}" takes ${type}, which cannot be given` })
  for (let i = 0; i < elements.length; i++) {
    const value = elements[i] ?? 0
    if (range) {
      if (typeof value === 'number' && !Number.isInteger(value)) throw bad(value, 'is no whole number')
      if (typeof value === 'number' && !Number.isSafeInteger(value))
        throw bad(value, 'is too large to be told exactly (give it in an int64 .npy file, or as a bigint)')
      const [low, high] = range
      if (BigInt(value) < low || BigInt(value) > high) throw bad(value, `is not from ${low} to ${high}`)
      if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(value)
      else data[i] = Number(value)
      continue
    }
    const number = Number(value)
    if (!Number.isFinite(number) || Math.abs(number) > (largest ?? 0))
      throw bad(value, 'is not a finite number of this type')
    if (type === 'float16') data[i] = float16Bits(number)
    else if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) data[i] = number
  }
  return tensor(type, dims, data)
}

/** A tensor whose only row is repeated, for a batch of `count` pictures; one of several rows stays. */
export function repeatRow(t: Tensor, count: number): Tensor {
  if (count === 1 || t.dims[0] !== 1) return t
  const [, ...rest] = t.dims
  const size = sizeOf(rest)
  const data = zeros(t.type, count * size)
  for (let i = 0; i < count; i++) (data as Uint8Array).set(t.data as Uint8Array, i * size)
  return tensor(t.type, [count, ...rest], data)
}
