/**
 * A sample: one operator with inputs on which its backward rule is tested. Inputs are described, not stored: random ones
 * come from a seed that the operator's, the sample's and the input's names make.
 */
import { type DataType, type DataTypes, sizeOf, type Tensor, tensor, zeros } from '../../src/core/tensor.js'
import type { AttributeValue } from '../../src/onnx/attributes.js'
import { NEWEST_OPSET, type NodeSpec } from '../support/model.js'
import type { Random } from '../support/random.js'

export interface InputSpec {
  readonly make: (random: Random) => Tensor
  /** An initialiser (weights, axes, shapes) rather than an input of the model. */
  readonly stored: boolean
  /** Whether its gradient is wanted. */
  readonly wanted: boolean
}

/** `undefined` stands for an optional input that is left out. */
export type Input = InputSpec | undefined

interface Common {
  /** Unique within the operator. */
  readonly name: string
  /** The name under which older opsets know the operator. */
  readonly operator?: string
  /** The opsets it is tested at; shapes and optimisation levels vary at the first. Default: {@link SINCE_18}. */
  readonly opsets?: readonly number[]
  readonly attributes?: Readonly<Record<string, AttributeValue>>
  readonly inputs: readonly Input[]
  /** What the graphs inside the node capture: values that go on from the inputs in their names. */
  readonly captured?: readonly InputSpec[]
  /** How many outputs the node has (default 1). */
  readonly outputs?: number
  /** The outputs that are differentiated (default: the first). Several are flattened and joined. */
  readonly of?: readonly number[]
  /** Nodes behind the operator, which read `y0`, ... and its inputs: the last one's output is differentiated instead. */
  readonly behind?: readonly NodeSpec[]
}

/** Tested against central differences and PyTorch. */
export interface SmoothSample extends Common {
  /** Why PyTorch cannot compute this. */
  readonly noTorch?: string
  /** Why ONNX Runtime cannot run the operator: differences are taken of what it is lowered to, and PyTorch's answer is held to that. */
  readonly noKernel?: string
  /** The gradient itself can be differentiated by central differences (default true). */
  readonly twice?: false
  /** The gradient is an estimate of a step's: differences mean nothing, and PyTorch's alone is what it is held to. */
  readonly estimated?: true
}

/** A tie or an edge, where differences mean nothing: the gradients are pinned to what the rule's comment says. */
export interface PinnedSample extends Common {
  readonly pin: {
    readonly gy: readonly number[]
    /** One per wanted input, in order. */
    readonly gradients: readonly (readonly number[])[]
  }
}

export type Sample = SmoothSample | PinnedSample

export const SINCE_18: readonly number[] = [18, NEWEST_OPSET]
/** For operators whose form never changed. */
export const SINCE_7: readonly number[] = [18, 7, 11, 13, NEWEST_OPSET]
export const SINCE_9: readonly number[] = [18, 9, 11, 13, NEWEST_OPSET]
export const SINCE_11: readonly number[] = [18, 11, 13, NEWEST_OPSET]
export const SINCE_13: readonly number[] = [18, 13, NEWEST_OPSET]

export interface FloatOptions {
  readonly type?: 'float32' | 'float64'
}

function floats(dims: readonly number[], options: FloatOptions, one: (r: Random, i: number) => number): InputSpec {
  return {
    make: (r) => {
      const values = Array.from({ length: sizeOf(dims) }, (_, i) => one(r, i))
      return options.type === 'float64'
        ? tensor('float64', dims, Float64Array.from(values))
        : tensor('float32', dims, Float32Array.from(values))
    },
    stored: false,
    wanted: true,
  }
}

/** Standard normal numbers, at least `gap` away from each of `kinks`. */
export function normal(
  dims: readonly number[],
  options: FloatOptions & { readonly kinks?: readonly number[]; readonly gap?: number; readonly scale?: number } = {},
): InputSpec {
  const { kinks = [], gap = 0.08, scale = 1 } = options
  return floats(dims, options, (r) => {
    let value = r.normal() * scale
    for (let tries = 0; kinks.some((k) => Math.abs(value - k) < gap) && tries < 1000; tries++)
      value = r.normal() * scale
    return value
  })
}

export function uniform(dims: readonly number[], low: number, high: number, options: FloatOptions = {}): InputSpec {
  return floats(dims, options, (r) => low + (high - low) * r.next())
}

/** Numbers with random signs whose size lies between `low` and `high`. */
export function awayFromZero(dims: readonly number[], low = 0.4, high = 2, options: FloatOptions = {}): InputSpec {
  return floats(dims, options, (r) => (r.next() < 0.5 ? -1 : 1) * (low + (high - low) * r.next()))
}

/** Numbers no two of which are nearer than `step`: for operators that choose the largest. */
export function distinct(dims: readonly number[], step = 0.1, options: FloatOptions = {}): InputSpec {
  let order: number[] = []
  return floats(dims, options, (r, i) => {
    if (i === 0) order = r.permutation(sizeOf(dims))
    return ((order[i] ?? 0) - sizeOf(dims) / 2 + 0.5) * step
  })
}

export function values(dims: readonly number[], data: readonly number[], options: FloatOptions = {}): InputSpec {
  return floats(dims, options, (_, i) => data[i] ?? Number.NaN)
}

/** An initialiser instead of an input. */
export function stored(spec: InputSpec): InputSpec {
  return { ...spec, stored: true }
}

/** Without a gradient. */
export function fixed(spec: InputSpec): InputSpec {
  return { ...spec, wanted: false }
}

/** An int64 vector as an initialiser: axes, shapes, pads. */
export function ints(data: readonly number[], dims: readonly number[] = [data.length]): InputSpec {
  return typed('int64', dims, data)
}

/** Elements of any type as an initialiser. */
export function typed(type: DataType, dims: readonly number[], data: readonly number[]): InputSpec {
  return {
    make: () => {
      const array = zeros(type, sizeOf(dims))
      for (const [i, v] of data.entries()) set(array, i, v)
      return tensor(type, dims, array)
    },
    stored: true,
    wanted: false,
  }
}

/** As an input of the model, which the graph does not know. */
export function fed(spec: InputSpec): InputSpec {
  return { ...spec, stored: false }
}

export function set(array: DataTypes[DataType], index: number, value: number): void {
  if (array instanceof BigInt64Array || array instanceof BigUint64Array) array[index] = BigInt(value)
  else array[index] = value
}

/** The samples of a group of operators; keeps their names in the type. */
export function defineSamples<const Operators extends string>(
  samples: Readonly<Record<Operators, readonly Sample[]>>,
): Readonly<Record<Operators, readonly Sample[]>> {
  return samples
}

export function isPinned(sample: Sample): sample is PinnedSample {
  return 'pin' in sample
}
