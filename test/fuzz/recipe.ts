/** A recipe: the numbers that a random graph follows from, as fast-check draws and shrinks them. */
import fc from 'fast-check'
import type { Dim } from '../../src/core/runtime.js'
import { type Tensor, tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { model, NEWEST_OPSET } from '../support/model.js'
import { type FloatType, Sketch } from './sketch.js'
import { STEPS } from './steps.js'

/** What a model leaves open of its inputs' shapes: nothing, the first axis, also the last ones, and these without names. */
const DECLARATIONS = ['static', 'batch', 'places', 'unnamed'] as const

export interface Recipe {
  readonly shapes: readonly (readonly number[])[]
  readonly steps: readonly { readonly step: number; readonly seed: number }[]
  readonly opset: number
  readonly declaration: (typeof DECLARATIONS)[number]
  readonly probed: boolean
  readonly seed: number
}

const SHAPES = [
  [2, 3, 4, 4],
  [1, 4, 5, 3],
  [2, 4, 2, 6],
  [2, 3, 5],
  [3, 2, 4],
  [3, 4],
  [2, 5],
  [4],
  [1, 4, 4, 4],
] as const

export const RECIPES: fc.Arbitrary<Recipe> = fc.record({
  shapes: fc.array(fc.constantFrom<readonly number[]>(...SHAPES), { minLength: 1, maxLength: 2 }),
  steps: fc.array(fc.record({ step: fc.nat(STEPS.length - 1), seed: fc.nat(0xffff) }), { minLength: 1, maxLength: 10 }),
  opset: fc.constantFrom(18, 13, 17, 20, NEWEST_OPSET),
  declaration: fc.constantFrom(...DECLARATIONS.slice(0, 2), ...DECLARATIONS),
  probed: fc.boolean(),
  seed: fc.nat(0xffff),
})

/** A recipe made concrete. */
export interface Dish {
  readonly graph: Graph
  readonly feeds: Readonly<Record<string, Tensor>>
  /** The inputs, whose gradients are wanted. */
  readonly wrt: readonly string[]
  /** All outputs, flattened and joined. */
  readonly of: string
  readonly type: FloatType
  /** The steps that were taken. */
  readonly taken: readonly string[]
}

function declared(dims: readonly number[], how: Recipe['declaration']): readonly Dim[] {
  if (how === 'static') return dims
  const free = (axis: number): boolean => axis === 0 || (how !== 'batch' && axis >= 2)
  return dims.map((d, axis) => (free(axis) ? (how === 'unnamed' ? null : `n${d}`) : d))
}

/** Makes the graph in one float type; undefined where no step found a value that fits. */
export function cook(recipe: Recipe, type: FloatType): Dish | undefined {
  const s = new Sketch(type, recipe.opset)
  s.reseed(recipe.seed)
  for (const dims of recipe.shapes) s.input(dims)
  const taken: string[] = []
  for (const { step, seed } of recipe.steps) {
    const { name, since = 13, run } = STEPS[step] ?? { name: '', run: () => undefined }
    if (recipe.opset < since) continue
    s.reseed(seed)
    const before = s.values.length
    run(s)
    if (s.values.length > before) taken.push(name)
  }
  if (taken.length === 0) return undefined
  const flat = s.leaves().map((v) => s.plain('Reshape', [v.name, s.ints([-1])]))
  const of = s.plain('Concat', flat, { axis: 0 })
  const read = new Set(s.nodes.flatMap((n) => n.inputs))
  const inputs = s.inputs.filter((i) => read.has(i.name))
  const graph = model({
    opset: recipe.opset,
    nodes: s.nodes,
    inputs: inputs.map(({ name, data }) => declare(name, type, declared(data.dims, recipe.declaration))),
    outputs: [declare(of, type, [null])],
    initializers: s.initializers,
  })
  const feeds = Object.fromEntries(inputs.map(({ name, data }) => [name, data]))
  return { graph, feeds, wrt: inputs.map((i) => i.name), of, type, taken }
}

/** Numbers of a shape in a float type. */
export function numbersOf(type: FloatType, dims: readonly number[], numbers: readonly number[]): Tensor {
  return type === 'float32'
    ? tensor('float32', dims, Float32Array.from(numbers))
    : tensor('float64', dims, Float64Array.from(numbers))
}
