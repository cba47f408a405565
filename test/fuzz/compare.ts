/**
 * The gradient of a random graph against differences computed by ONNX Runtime, along random directions: in float64 where it has the
 * kernels, else in float32 with what its rounding allows. Directions along which the graph has a kink nearby are left out.
 */
import { ExplainError } from '../../src/core/errors.js'
import type { OptimizationLevel, Session } from '../../src/core/runtime.js'
import type { Tensor } from '../../src/core/tensor.js'
import { encode } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate, gradientName } from '../../src/vjp/differentiate.js'
import type { Override } from '../../src/vjp/rule.js'
import { runtime } from '../support/ort.js'
import { type Random, random } from '../support/random.js'
import { numbers } from '../support/run.js'
import { needsShapes } from '../vjp/check.js'
import { cook, type Dish, numbersOf, type Recipe } from './recipe.js'

/** How a case ended: with a fault in words, or compared along so many directions. */
export interface Outcome {
  readonly fault?: string
  readonly compared: number
  readonly type?: Dish['type']
  readonly taken: readonly string[]
}

const NOTHING: Outcome = { compared: 0, taken: [] }
/** Values beyond this size leave differences without digits. */
const TAME = 1e3
/** Differences per input. */
const DIRECTIONS = 3

async function open(graph: Graph, optimization: OptimizationLevel): Promise<Session | undefined> {
  try {
    return await runtime.createSession({ bytes: encode(graph), externalData: new Map() }, { optimization })
  } catch {
    return undefined
  }
}

/** The graph in float64 where ONNX Runtime has all kernels for it, else in float32. */
async function openForward(recipe: Recipe): Promise<{ dish: Dish; forward: Session } | undefined> {
  for (const type of ['float64', 'float32'] as const) {
    const dish = cook(recipe, type)
    if (!dish) return undefined
    const forward = await open(dish.graph, 'disabled')
    if (forward) return { dish, forward }
  }
  throw new Error('ONNX Runtime loads the graph in no float type: the generator is wrong')
}

/** Compares one recipe's gradient. An override stands for a wrong rule. */
export async function check(recipe: Recipe, override?: Override): Promise<Outcome> {
  const opened = await openForward(recipe)
  if (!opened) return NOTHING
  const { dish, forward } = opened
  try {
    const r = random(recipe.seed)
    const y = numbers((await forward.run(dish.feeds))[dish.of])
    if (y.some((v) => !(Math.abs(v) < TAME))) return NOTHING
    const gy = y.map(() => r.normal())
    const gradient = await gradientOf(dish, recipe, gy, override)
    return { ...(await compareAll(dish, forward, r, gy, gradient)), type: dish.type, taken: dish.taken }
  } finally {
    await forward.release()
  }
}

type Gradients = ReadonlyMap<string, readonly number[]> | string

/** The gradient by input; a fault in words where there is none. */
async function gradientOf(dish: Dish, recipe: Recipe, gy: readonly number[], override?: Override): Promise<Gradients> {
  const { graph, of, wrt, type, feeds } = dish
  const make = async (probed: boolean): Promise<Graph> =>
    differentiate(graph, {
      of,
      wrt,
      ...(probed ? { shapes: await probe(graph, runtime) } : {}),
      ...(override ? { override } : {}),
    })
  let made: Graph
  try {
    made = await make(recipe.probed).catch((error: unknown) => {
      if (!recipe.probed && needsShapes(error)) return make(true)
      throw error
    })
  } catch (error) {
    // nothing smooth leads to the outputs
    if (error instanceof ExplainError && error.code === 'not-connected') return new Map()
    return `${error instanceof Error ? error.message : error}`
  }
  const plain = await open(graph, 'all')
  await plain?.release()
  // ORT 1.30 fails to fuse some Reshapes, with and without a gradient behind them
  const optimization = plain ? 'all' : 'disabled'
  const session = await runtime
    .createSession({ bytes: encode(made), externalData: new Map() }, { optimization })
    .catch((error: unknown) => `the gradient does not load: ${error}`)
  if (typeof session === 'string') return session
  try {
    const out = await session.run({ ...feeds, [gradientName(of)]: numbersOf(type, [gy.length], gy) })
    return new Map(wrt.map((name) => [name, numbers(out[gradientName(name)])]))
  } catch (error) {
    return `the gradient does not run: ${error}`
  } finally {
    await session.release()
  }
}

async function compareAll(
  dish: Dish,
  forward: Session,
  r: Random,
  gy: readonly number[],
  gradients: Gradients,
): Promise<Pick<Outcome, 'fault' | 'compared'>> {
  if (typeof gradients === 'string') return { fault: gradients, compared: 0 }
  let compared = 0
  for (const [name, gradient] of gradients) {
    const x = dish.feeds[name]
    if (!x || gradient.length !== x.data.length) return { fault: `${name}: ${gradient.length} elements`, compared }
    const bad = gradient.find((g) => !Number.isFinite(g))
    if (bad !== undefined) return { fault: `${name}: the gradient holds ${bad}`, compared }
    for (let i = 0; i < DIRECTIONS; i++) {
      // the first direction moves every element, the others a few, so that no element's fault hides behind the rest
      const direction = gradient.map(() => (i === 0 || r.next() < 0.2 ? r.normal() : 0))
      const slope = await slopeAlong(dish, forward, gy, name, x, direction)
      if (!slope) continue
      compared++
      const got = gradient.reduce((sum, g, j) => sum + g * (direction[j] ?? 0), 0)
      const size = gradient.reduce((sum, g, j) => sum + Math.abs(g * (direction[j] ?? 0)), 0)
      const allowed = slope.noise + TOLERANCE[dish.type] * Math.max(size, Math.abs(slope.value))
      if (Math.abs(got - slope.value) > allowed)
        return { fault: `${name}: ${got} instead of ${slope.value}, give or take ${allowed}`, compared }
    }
  }
  return { compared }
}

const TOLERANCE = { float64: 1e-4, float32: 2e-2 } as const
/** Steps of the difference, the first one first; smaller ones where there is a kink between. */
const STEPS = { float64: [1e-5, 1e-6], float32: [1e-2, 2e-3] } as const
/** Rounding of one output, relative. */
const ROUNDING = { float64: 1e-14, float32: 1e-6 } as const

interface Slope {
  readonly value: number
  readonly noise: number
}

/** d <gy, outputs> along a direction of one input; undefined next to a kink. */
async function slopeAlong(
  dish: Dish,
  forward: Session,
  gy: readonly number[],
  name: string,
  x: Tensor,
  direction: readonly number[],
): Promise<Slope | undefined> {
  const { feeds, of, type } = dish
  const at = async (step: number): Promise<{ sum: number; size: number }> => {
    const moved = numbers(x).map((v, i) => v + step * (direction[i] ?? 0))
    const y = numbers((await forward.run({ ...feeds, [name]: numbersOf(type, x.dims, moved) }))[of])
    const terms = y.map((v, i) => v * (gy[i] ?? 0))
    return { sum: terms.reduce((a, t) => a + t, 0), size: terms.reduce((a, t) => a + Math.abs(t), 0) }
  }
  const here = await at(0)
  for (const step of STEPS[type]) {
    const [up, down, upper, lower] = [await at(step), await at(-step), await at(step / 2), await at(-step / 2)]
    const [right, left] = [(up.sum - here.sum) / step, (here.sum - down.sum) / step]
    const value = (upper.sum - lower.sum) / step
    const noise = (ROUNDING[type] * here.size) / step
    // both sides and both steps agree: no kink between, and no more curvature than the difference bears
    const apart = Math.max(Math.abs(right - left) / 2, Math.abs((right + left) / 2 - value))
    if (apart <= 2 * noise + 0.5 * TOLERANCE[type] * Math.abs(value)) return { value, noise }
  }
  return undefined
}
