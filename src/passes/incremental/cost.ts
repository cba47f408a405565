/** What a network costs on windows and on whole maps, and from where on whole maps are cheaper. */
import type { Changes, Frame } from './frames.js'
import { isTask, type Locality, product, readingsOf, share, type Task } from './plan.js'
import { lengthRead, type Reading } from './reading.js'
import type { Batch } from './schedule.js'

/**
 * Nanoseconds, measured with ONNX Runtime 1.30 on two cores of a Xeon with AVX-512 (`npm run bench -- --occlusion`). What matters are their ratios: they
 * say what a multiply-add, an element that an operator writes, an element that is gathered (rows are made, picked and turned again), one that is
 * copied into a table, and a node cost; and what a node costs once, when sessions are made for it.
 */
const NS = { mac: 0.011, element: 0.8, gathered: 2.5, copied: 0.5, node: 5000, made: 400_000 } as const

/** Windows have to promise this much of the time to be worth it. */
const WORTH = 0.9

/** So many runs tell what all of them cost. */
const SAMPLE = 24

/** So many numbers of tasks are compared. */
const CANDIDATES = 40

/** How many of the tasks, from the first on, are done on windows where that is cheapest; 0: the plain way is as fast. */
export function choose(local: Locality, batches: readonly Batch[]): number {
  const tasks = local.nodes.filter(isTask)
  const boxes = batches.reduce((n, b) => n + b.boxes.length, 0)
  const whole = tasks.reduce((ns, t) => ns + wholeTime(t), 0)
  const last = tasks.map((t) => t.step !== undefined).lastIndexOf(true) + 1
  // it pays to end in front of a node that multiplies, or behind all
  const ends = tasks.flatMap((t, i) => (i > 0 && i < last && t.macs > 0 ? [i] : [])).concat(last > 0 ? [last] : [])
  const every = Math.max(1, ends.length / CANDIDATES)
  const candidates = ends.filter((_, i) => Math.floor((i + 1) / every) > Math.floor(i / every))
  // the unchanged picture, and sessions for it and for windows
  const once = 2 * whole + NS.made * tasks.length
  const prices = new Prices(local, batches)
  const times = candidates.map((n) => ({ tasks: n, ns: boxes * prices.timeOf(tasks, n) + once }))
  return times.reduce((a, b) => (b.ns < a.ns ? b : a), { tasks: 0, ns: WORTH * boxes * whole }).tasks
}

/** Multiply-adds, exactly. */
export interface Count {
  /** Of all boxes, on whole maps and with so many tasks on windows; what the unchanged picture costs is among the second. */
  readonly plain: number
  readonly incremental: number
  /** How many times fewer they would be with windows wherever they can be, of their own size for each box. */
  readonly bound: number
}

export function count(local: Locality, onWindows: number, batches: readonly Batch[]): Count {
  const tasks = local.nodes.filter(isTask)
  const once = tasks.reduce((n, t) => n + t.macs, 0)
  const boxes = batches.reduce((n, b) => n + b.boxes.length, 0)
  let [incremental, tight] = [onWindows > 0 ? once : 0, 0]
  for (const batch of batches) {
    const changes = batch.changes()
    for (const [i, { step, macs }] of tasks.entries()) {
      if (macs === 0) continue
      const frame = step?.out.frame
      incremental += changes.count * macs * (frame && i < onWindows ? share(frame, changes) : 1)
      tight += macs * (frame ? tightShare(frame, changes) : changes.count)
    }
  }
  return { plain: once * boxes, incremental, bound: (once * boxes) / tight }
}

/** Shares of the whole map that the changed places of each box are, summed. */
function tightShare(frame: Frame, changes: Changes): number {
  const places = changes.intervals(frame).map((box) => product(box.map(([low, high]) => high - low)))
  return places.reduce((a, b) => a + b, 0) / product(frame.extents)
}

function wholeTime({ macs, elements }: Task): number {
  return macs * NS.mac + elements * NS.element
}

/** What is gathered of a value: what a reading says, or all places of a frame's map. */
interface Gathered {
  readonly value: string
  readonly frame: Frame
  readonly reading: Reading | undefined
}

/** What tasks cost for a box, in nanoseconds, as the mean of some of the runs. */
class Prices {
  readonly #local: Locality
  readonly #changes: readonly Changes[]
  readonly #means = new Map<string, number>()
  /** Boxes a run. */
  readonly #boxes: number

  constructor(local: Locality, batches: readonly Batch[]) {
    this.#local = local
    const step = Math.max(1, batches.length / SAMPLE)
    const sample = Array.from({ length: Math.min(batches.length, SAMPLE) }, (_, i) => batches[Math.floor(i * step)])
    this.#changes = sample.flatMap((b) => b?.changes() ?? [])
    this.#boxes = this.#changes.reduce((n, c) => n + c.count, 0) / Math.max(1, this.#changes.length)
  }

  /** The whole network, its first tasks on windows. */
  timeOf(tasks: readonly Task[], onWindows: number): number {
    const gathered = this.#gathered(tasks, onWindows)
    const tables = new Set([...gathered.values()].map((g) => g.value))
    const own = tasks.reduce((ns, task, i) => {
      const frame = i < onWindows ? task.step?.out.frame : undefined
      return ns + wholeTime(task) * (frame ? this.#share(frame) : 1)
    }, 0)
    const read = [...gathered.values()].reduce((n, g) => n + this.#numbers(g), 0)
    const copied = [...tables].reduce((n, value) => n + this.#elements(value), 0)
    const nodes = onWindows + 4 * gathered.size
    return own + read * NS.gathered + (copied * NS.copied + nodes * NS.node) / this.#boxes
  }

  #gathered(tasks: readonly Task[], onWindows: number): ReadonlyMap<string, Gathered> {
    const gathered = new Map<string, Gathered>()
    const made = new Map([[this.#local.input, this.#local.window.frame]])
    const needed = new Set(this.#local.graph.outputs.map((o) => o.name))
    for (const [i, task] of tasks.entries()) {
      const { step, node } = task
      if (i < onWindows && step) {
        for (const output of node.outputs) made.set(output, step.out.frame)
        for (const { value, reading } of readingsOf(task))
          gathered.set(`${value} ${reading.key}`, { value, frame: reading.from, reading })
      } else if (node.op !== 'Shape') for (const value of node.inputs) needed.add(value)
    }
    for (const [value, frame] of made) if (needed.has(value)) gathered.set(value, { value, frame, reading: undefined })
    return gathered
  }

  #elements(value: string): number {
    return product(this.#local.seen.dims(value) ?? [])
  }

  #numbers({ value, frame, reading }: Gathered): number {
    const all = this.#elements(value)
    if (!reading) return all
    const places = this.#mean(`read ${reading.key}`, (changes) => {
      const { lengths } = changes.windows(reading.to)
      return product(reading.axes.map((a, i) => lengthRead(a, lengths[i] ?? 1)))
    })
    return (places * all) / product(frame.extents)
  }

  #share(frame: Frame): number {
    return this.#mean(`share ${frame.key}`, (changes) => share(frame, changes))
  }

  #mean(key: string, of: (changes: Changes) => number): number {
    const known = this.#means.get(key)
    if (known !== undefined) return known
    const sum = this.#changes.reduce((n, changes) => n + of(changes), 0)
    this.#means.set(key, sum / Math.max(1, this.#changes.length))
    return sum / Math.max(1, this.#changes.length)
  }
}
