/**
 * Scores of copies of a picture that differ from it in one box each: where that is cheaper, the network is run on windows around what changes
 * (`passes/incremental`), else on whole copies. The numbers are the same.
 */
import { gridOf, type InputLayout } from '../core/layout.js'
import type { Dim, Runtime } from '../core/runtime.js'
import { float32, sizeOf, type Tensor } from '../core/tensor.js'
import { intervalsOf, type Square } from '../methods/covering.js'
import { declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { isStatic, type Shapes } from '../onnx/shapes.js'
import {
  type Batch,
  type Changes,
  choose,
  framesOf,
  type Incremental,
  type Locality,
  locality,
  rowsRead,
  schedule,
  writeIncremental,
} from '../passes/incremental/index.js'
import { probe } from '../passes/probe.js'
import type { PictureInput } from './input.js'

/** What copies of a picture are run with. */
export interface ChangedHost {
  /** Under which the session of `graph` is kept; other graphs have other keys. */
  readonly key: string
  /** The network, down to what the scores are made of. */
  readonly graph: Graph
  readonly shapes: Shapes
  readonly input: PictureInput
  readonly runtime: Runtime
  /**
   * One run of a session, which is kept under `key`: the tables of the graph, or what is read off pictures. `given` is what takes the
   * picture's place: pictures or windows, whose number other inputs are repeated to; `around` is fed besides.
   */
  run(
    key: string,
    graph: () => Graph,
    tables: readonly string[] | undefined,
    given: Tensor<'float32'>,
    around?: Readonly<Record<string, Tensor>>,
  ): Promise<Readonly<Record<string, Tensor>>>
}

/** A network on windows, and what of it is written. */
interface Plan {
  readonly local: Locality
  /** By the number of tasks on windows. */
  readonly written: Map<number, Incremental>
}

/** Which boxes went in a run, and what came of it, row by row. */
export interface ChangedRun {
  readonly boxes: readonly Square[]
  readonly result: Readonly<Record<string, Tensor>>
}

export class ChangedRuns {
  /** By the size of the picture; null where nothing can be said of it. */
  readonly #plans = new Map<string, Promise<Plan | null>>()

  /**
   * Runs copies of `picture`, `size` at a time; groups one after another, the boxes of a group in whatever order is fastest.
   * @param other what lies in the boxes, in the picture's shape.
   */
  async *run(
    host: ChangedHost,
    picture: Tensor<'float32'>,
    groups: readonly (readonly Square[])[],
    other: Float32Array,
    size: number,
  ): AsyncGenerator<ChangedRun> {
    const letters = host.input.layout.slice(1)
    const plan = await this.#plan(host, picture)
    const isFixed = host.input.batch !== undefined
    const batches =
      plan &&
      groups.map((boxes) => {
        const intervals = boxes.map((box) => intervalsOf(box, letters))
        return schedule(intervals, framesOf(plan.local), size, isFixed)
      })
    const tasks = plan && batches ? choose(plan.local, batches.flat()) : 0
    if (plan && batches && tasks > 0) yield* onWindows(host, plan, tasks, picture, groups, batches, other)
    else for (const boxes of groups) yield* onWholes(host, picture, boxes, other, size)
  }

  #plan(host: ChangedHost, picture: Tensor<'float32'>): Promise<Plan | null> {
    const key = JSON.stringify([host.key, picture.dims])
    const known = this.#plans.get(key) ?? planOf(host, picture)
    this.#plans.set(key, known)
    return known
  }
}

async function planOf(
  { graph, shapes, input, runtime }: ChangedHost,
  picture: Tensor<'float32'>,
): Promise<Plan | null> {
  const axes = [...input.layout].flatMap((letter, i) => (letter === 'N' || letter === 'C' ? [] : [i]))
  const [batch = null] = shapes.get(input.name)?.dims ?? []
  const dims: readonly Dim[] = [batch, ...picture.dims.slice(1)]
  const sized = graph.with({
    inputs: graph.inputs.map((i) => (i.name === input.name ? declare(i.name, 'float32', dims) : i)),
    valueInfo: [],
  })
  const local = locality(graph, isKnown(graph, shapes, input) ? shapes : await probe(sized, runtime), input.name, axes)
  return local ? { local, written: new Map() } : null
}

/** True where the shapes are those of this picture, and of all that came in the place of a model's own operators and types. */
function isKnown(graph: Graph, shapes: Shapes, input: PictureInput): boolean {
  const isSized = isStatic(shapes.get(input.name)?.dims?.slice(1))
  const known = (value: string): boolean => {
    const { type } = shapes.get(value) ?? {}
    return type !== undefined && !type.endsWith('float16') && type !== 'float64'
  }
  // what a target adds is behind all maps
  const own = graph.nodes.flatMap((n) => n.outputs.filter((o) => o !== '' && !o.startsWith('onnxplain/')))
  return isSized && own.every(known)
}

/** Copies of the whole picture, `size` at a time. */
export function* wholes(
  layout: InputLayout,
  picture: Tensor<'float32'>,
  boxes: readonly Square[],
  other: Float32Array,
  size: number,
): Generator<{ readonly boxes: readonly Square[]; readonly pictures: Tensor<'float32'> }> {
  const grid = gridOf(layout.slice(1), picture.dims.slice(1))
  const each = sizeOf(picture.dims.slice(1))
  for (let from = 0; from < boxes.length; from += size) {
    const part = boxes.slice(from, from + size)
    const data = new Float32Array(part.length * each)
    for (const [i, box] of part.entries()) {
      data.set(picture.data, i * each)
      const origin = { x0: 0, y0: 0, z0: 0 }
      copyPlaces(other, { grid, at: 0, ...origin }, data, { grid, at: i * each, ...origin }, box)
    }
    yield { boxes: part, pictures: float32([part.length, ...picture.dims.slice(1)], data) }
  }
}

/** Copies of the whole picture through the whole network. */
export async function* onWholes(
  host: ChangedHost,
  picture: Tensor<'float32'>,
  boxes: readonly Square[],
  other: Float32Array,
  size: number,
): AsyncGenerator<ChangedRun> {
  for (const run of wholes(host.input.layout, picture, boxes, other, size))
    yield { boxes: run.boxes, result: await host.run(host.key, () => host.graph, undefined, run.pictures) }
}

async function* onWindows(
  host: ChangedHost,
  { local, written }: Plan,
  tasks: number,
  picture: Tensor<'float32'>,
  groups: readonly (readonly Square[])[],
  batches: readonly (readonly Batch[])[],
  other: Float32Array,
): AsyncGenerator<ChangedRun> {
  const { unchanged, changed, tables, window, readings } = written.get(tasks) ?? writeIncremental(local, tasks)
  written.set(tasks, { unchanged, changed, tables, window, readings })
  const key = JSON.stringify([tasks, picture.dims, host.key])
  const known = await host.run(`unchanged ${key}`, () => unchanged, tables, picture)
  const around = Object.fromEntries(tables.flatMap((t) => (known[t] ? [[t, known[t]] as const] : [])))
  for (const [g, boxes] of groups.entries())
    for (const batch of batches[g] ?? []) {
      const changes = batch.changes()
      const own = batch.boxes.flatMap((i) => boxes[i] ?? [])
      const rows = readings.map(
        ({ name, reading }) => [name, { type: 'int32', ...rowsRead(reading, changes) }] as const,
      )
      const windows = windowsOf(host.input.layout, picture, own, other, changes, local)
      const feeds = { ...around, ...Object.fromEntries(rows), [window]: windows }
      yield { boxes: own, result: await host.run(`changed ${key}`, () => changed, undefined, windows, feeds) }
    }
}

/** The windows of the changed pictures: the picture's places, and in the box the other's. */
function windowsOf(
  layout: string,
  picture: Tensor<'float32'>,
  boxes: readonly Square[],
  other: Float32Array,
  changes: Changes,
  local: Locality,
): Tensor<'float32'> {
  const letters = layout.slice(1)
  const { lengths, starts } = changes.windows(local.window.frame)
  const dims = picture.dims.slice(1)
  for (const [i, axis] of local.window.axes.entries()) dims[axis - 1] = lengths[i] ?? 1
  const [grid, small] = [gridOf(letters, picture.dims.slice(1)), gridOf(letters, dims)]
  const { count } = changes
  const each = sizeOf(dims)
  const data = new Float32Array(count * each)
  const spatial = [...letters].filter((l) => l !== 'C')
  for (let b = 0; b < count; b++) {
    const first = (letter: string): number => starts[spatial.indexOf(letter)]?.[b] ?? 0
    const origin = { x0: first('W'), y0: first('H'), z0: first('D') }
    const all = {
      ...origin,
      x1: origin.x0 + small.W.extent,
      y1: origin.y0 + small.H.extent,
      z1: origin.z0 + small.D.extent,
    }
    const to = { grid: small, at: b * each, ...origin }
    const from = { grid, at: 0, x0: 0, y0: 0, z0: 0 }
    copyPlaces(picture.data, from, data, to, all)
    const box = boxes[b] ?? boxes.at(-1)
    if (box) copyPlaces(other, from, data, to, box)
  }
  return float32([count, ...dims], data)
}

/** Where the places of a piece of a picture lie: its first place is (x0, y0, z0) of the picture. */
interface Piece {
  readonly grid: ReturnType<typeof gridOf>
  readonly at: number
  readonly x0: number
  readonly y0: number
  readonly z0: number
}

/** Copies the places of a box, all channels, from one piece to another. */
function copyPlaces(from: Float32Array, source: Piece, to: Float32Array, target: Piece, box: Square): void {
  const offset = ({ grid, at, x0, y0, z0 }: Piece, z: number, y: number, x: number): number =>
    at + (z - z0) * grid.D.stride + (y - y0) * grid.H.stride + (x - x0) * grid.W.stride
  const { extent } = source.grid.C
  for (let z = box.z0; z < box.z1; z++)
    for (let y = box.y0; y < box.y1; y++)
      for (let x = box.x0; x < box.x1; x++) {
        const [a, b] = [offset(source, z, y, x), offset(target, z, y, x)]
        for (let c = 0; c < extent; c++) to[b + c * target.grid.C.stride] = from[a + c * source.grid.C.stride] ?? 0
      }
}
