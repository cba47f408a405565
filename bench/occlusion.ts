/**
 * Occlusion on windows against whole copies of the picture.
 *
 * A run is a batch of squares; those timed lie all over the picture, since windows at its edges are smaller. Runs of both ways are interleaved and
 * repeated, and of each batch the least disturbed run counts. The bound is how many times fewer multiply-adds the windows of single squares have than
 * whole passes; counted are those of the graph as it runs. Captum's Occlusion is timed between our runs, at its best batch size.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Runtime, Session } from '../src/core/runtime.js'
import { float32, sizeOf } from '../src/core/tensor.js'
import { type ChangedHost, ChangedRuns, onWholes } from '../src/explain/changed.js'
import { findPictureInput } from '../src/explain/index.js'
import { intervalsOf } from '../src/methods/covering.js'
import { positions } from '../src/methods/occlusion.js'
import { uniform } from '../src/methods/random.js'
import { encodeSkeleton } from '../src/onnx/encode.js'
import type { Graph } from '../src/onnx/ir.js'
import type { Shapes } from '../src/onnx/shapes.js'
import { choose, count, framesOf, isTask, locality, schedule } from '../src/passes/incremental/index.js'
import { lower } from '../src/passes/lower.js'
import { prune } from '../src/passes/prune.js'
import { round, type Spread, spread } from './measure.js'
import { PYTHON } from './rivals.js'

/** Squares of so many pixels, in steps of so many, so many a run. */
export const [PATCH, STRIDE, BATCH] = [16, 4, 16] as const
/** Batches that are timed, and how often each. */
const [BATCHES, REPEATS] = [11, 4] as const

export interface OcclusionResult {
  readonly squares: number
  /** Nodes that run on windows, of those that could. */
  readonly onWindows: number
  readonly tasks: number
  /** Times fewer multiply-adds: at most, and in the graph as it runs. */
  readonly bound: number
  readonly counted: number
  /** Milliseconds a square; mean over the batches. */
  readonly plain: Spread
  readonly windows: Spread
  /** How many times as fast windows are. */
  readonly faster: Spread
  /** Captum's milliseconds a square, at its best batch size; undefined where there is no Captum or no such network. */
  readonly captum: number | undefined
}

/** Of a network of pictures; undefined where nothing of it can run on windows. `name` is that of one of torchvision's, for Captum. */
export async function measureOcclusion(
  network: { readonly graph: Graph; readonly shapes: Shapes; readonly name: string },
  runtime: Runtime,
): Promise<OcclusionResult | undefined> {
  const { shapes, name } = network
  const graph = prune(lower(network.graph))
  const input = findPictureInput(graph, shapes)
  const [height = 224, width = 224] = [input.height, input.width]
  const isLast = input.layout === 'NHWC'
  const dims = isLast ? [1, height, width, input.channels] : [1, input.channels, height, width]
  const next = uniform(1)
  const picture = float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => 4 * next() - 2),
  )
  const squares = positions({ depth: 1, height, width }, { patch: PATCH, stride: STRIDE, slices: 0 })
  const local = locality(graph, shapes, input.name, isLast ? [1, 2] : [2, 3])
  if (!local) return undefined
  const letters = input.layout.slice(1)
  const batches = schedule(
    squares.map((s) => intervalsOf(s, letters)),
    framesOf(local),
    BATCH,
  )
  const onWindows = choose(local, batches)
  if (onWindows === 0) return undefined
  const sessions = new Map<string, Session>()
  const host: ChangedHost = {
    key: 'forward',
    graph,
    shapes,
    input,
    runtime,
    run: async (key, make, tables, given, around) => {
      const whole = make()
      const outputs = tables ? whole.outputs.filter((o) => tables.includes(o.name)) : whole.outputs
      const file = () => encodeSkeleton(prune(whole.with({ outputs }), { dropInputs: true }))
      const session = sessions.get(key) ?? (await runtime.createSession(file()))
      sessions.set(key, session)
      const own = session.inputs.find((i) => i.name === input.name || i.name === `${input.name}/window`)
      return session.run({ ...(own ? { [own.name]: given } : {}), ...around })
    },
  }
  const grey = new Float32Array(picture.data.length)
  // batches from everywhere in the schedule, each a group, so that it stays one run
  const groups = Array.from({ length: BATCHES }, (_, r) =>
    (batches[Math.floor(((r + 0.5) / BATCHES) * batches.length)]?.boxes ?? []).flatMap((i) => squares[i] ?? []),
  )
  const times: Times = { plain: groups.map(() => []), windows: groups.map(() => []), captum: [] }
  // one more of the first batch, which makes the sessions
  const order = [0, ...groups.flatMap((_, g) => Array<number>(REPEATS).fill(g))]
  const windows = new ChangedRuns().run(
    host,
    picture,
    order.map((g) => groups[g] ?? []),
    grey,
    BATCH,
  )
  for (const [r, g] of order.entries()) {
    const group = groups[g] ?? []
    for (const [into, runs] of [
      [times.plain[g], onWholes(host, picture, group, grey, BATCH)],
      [times.windows[g], windows],
    ] as const) {
      const start = performance.now()
      await runs.next()
      if (r > 0) into?.push((performance.now() - start) / group.length)
    }
    if (r === Math.floor(order.length / 2)) times.captum.push(...captum(name))
  }
  for (const session of sessions.values()) await session.release()
  const { bound, plain, incremental } = count(local, onWindows, batches)
  const [wholes, parts] = [rounds(times.plain), rounds(times.windows)]
  const best = { plain: leastOf(times.plain), windows: leastOf(times.windows) }
  const each = spread(wholes.map((ms, r) => ms / (parts[r] ?? Number.NaN)))
  return {
    squares: squares.length,
    onWindows,
    tasks: local.nodes.filter(isTask).length,
    bound: round(bound),
    counted: round(plain / incremental),
    plain: { ...spread(wholes), best: round(best.plain) },
    windows: { ...spread(parts), best: round(best.windows) },
    faster: { ...each, best: round(best.plain / best.windows) },
    captum: times.captum.length > 0 ? Math.min(...times.captum) : undefined,
  }
}

/** Milliseconds a square: of each batch its runs; of Captum the best of each batch size. */
interface Times {
  readonly plain: readonly number[][]
  readonly windows: readonly number[][]
  readonly captum: number[]
}

const mean = (values: readonly number[]): number => values.reduce((a, v) => a + v, 0) / values.length
const leastOf = (batches: readonly number[][]): number => mean(batches.map((runs) => Math.min(...runs)))
/** Round by round, the mean over the batches. */
const rounds = (batches: readonly number[][]): number[] =>
  Array.from({ length: REPEATS }, (_, r) => mean(batches.map((runs) => runs[r] ?? Number.NaN)))

/** Captum's milliseconds a square, one for each batch size that is tried; none where there is no Captum or no such network. */
function captum(name: string): readonly number[] {
  if (PYTHON === undefined) return []
  const script = fileURLToPath(new URL('captum_occlusion.py', import.meta.url))
  const run = spawnSync(PYTHON, [script, name, String(PATCH), String(STRIDE)], { encoding: 'utf8' })
  if (run.status === 0) return JSON.parse(run.stdout) as number[]
  console.error(`${name}: ${run.stderr.trim().split('\n').at(-1)}`)
  return []
}
