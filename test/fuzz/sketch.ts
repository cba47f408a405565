/**
 * A random graph in the making: the values so far with their shapes, the nodes, the constants. Every choice is drawn from numbers that
 * the recipe holds, so that a recipe with steps left out is a smaller graph of the same kind.
 */
import { float32, int64, sizeOf, type Tensor, tensor } from '../../src/core/tensor.js'
import type { AttributeValue } from '../../src/onnx/attributes.js'
import { writeTensor } from '../../src/onnx/tensors.js'
import type { NodeSpec } from '../support/model.js'
import { type Random, random } from '../support/random.js'

/** A float value of known shape. */
export interface Value {
  readonly name: string
  readonly dims: readonly number[]
}

export type FloatType = 'float32' | 'float64'

/** Values beyond this many elements make a case slow. */
export const LARGEST = 400

export class Sketch {
  readonly nodes: NodeSpec[] = []
  readonly initializers: Record<string, Tensor> = {}
  readonly inputs: { readonly name: string; readonly data: Tensor }[] = []
  readonly values: Value[] = []
  #random: Random = random(0)
  #count = 0

  constructor(
    readonly type: FloatType,
    readonly opset: number,
  ) {}

  /** What is drawn from here on follows from `seed`. */
  reseed(seed: number): void {
    this.#random = random(seed)
  }

  next(): number {
    return this.#random.next()
  }

  normal(): number {
    return this.#random.normal()
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(p: number): boolean {
    return this.next() < p
  }

  of<T>(list: readonly [T, ...T[]]): T
  of<T>(list: readonly T[]): T | undefined
  of<T>(list: readonly T[]): T | undefined {
    return list[this.int(0, list.length - 1)]
  }

  /** A value that will do, later ones more often; undefined where there is none. */
  pick(fits: (dims: readonly number[]) => boolean = () => true): Value | undefined {
    const found = this.values.filter((v) => fits(v.dims))
    return found[found.length - 1 - Math.floor(this.next() ** 2 * found.length)]
  }

  fresh(hint: string): string {
    return `${hint}${this.#count++}`
  }

  /** Numbers in the sketch's type. */
  floats(dims: readonly number[], one: () => number): Tensor {
    const numbers = Array.from({ length: sizeOf(dims) }, one)
    return this.type === 'float32' ? float32(dims, numbers) : tensor('float64', dims, Float64Array.from(numbers))
  }

  input(dims: readonly number[]): void {
    const name = this.fresh('x')
    this.inputs.push({ name, data: this.floats(dims, () => this.normal()) })
    this.values.push({ name, dims })
  }

  /** A constant: an initialiser, or the output of a `Constant` node. */
  constant(t: Tensor): string {
    const name = this.fresh('k')
    if (this.chance(0.7)) this.initializers[name] = t
    else this.nodes.push({ op: 'Constant', inputs: [], outputs: [name], attributes: { value: writeTensor('', t) } })
    return name
  }

  weights(dims: readonly number[], scale = 1): string {
    return this.constant(this.floats(dims, () => this.normal() * scale))
  }

  scalar(value: number): string {
    return this.constant(this.floats([], () => value))
  }

  ints(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.constant(int64(dims, values))
  }

  /** A node whose output is not offered to other steps. */
  plain(op: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeValue>> = {}): string {
    const name = this.fresh('v')
    this.nodes.push({ op, inputs, outputs: [name], attributes })
    return name
  }

  /** A node with one float output. */
  add(
    op: string,
    inputs: readonly string[],
    dims: readonly number[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): void {
    this.offer(this.plain(op, inputs, attributes), dims)
  }

  offer(name: string, dims: readonly number[]): void {
    this.values.push({ name, dims })
  }

  /** The values that no node reads: the graph's outputs. */
  leaves(): Value[] {
    const read = new Set(this.nodes.flatMap((n) => n.inputs))
    return this.values.filter((v) => !read.has(v.name))
  }
}
