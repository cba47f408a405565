/** What a network costs on windows and on whole maps, and from where on whole maps are cheaper. */
import type { Frame } from './frames.js'
import { isTask, type Locality, product, readingsOf, share, type Task } from './plan.js'
import { lengthRead, type Reading } from './reading.js'
import type { Batch } from './schedule.js'

/**
 * Nanoseconds, measured with ONNX Runtime 1.30 on two cores of a Xeon with AVX-512 (`npm run bench:occlusion`). What matters are their ratios: they
 * say what a multiply-add, an element that an operator writes, an element that is gathered (rows are made, picked and turned again), one that is
 * copied into a table, and a node cost.
 */
const NS = { mac: 0.011, element: 0.8, gathered: 2.5, copied: 0.5, node: 5000 } as const

/** Windows have to promise this much of the time to be worth it. */
const WORTH = 0.9

/** How a network is done on the boxes of a schedule. */
export interface Choice {
  /** Tasks that are done on windows, from the first on; 0: the plain way is as fast. */
  readonly tasks: number
  /** Multiply-adds of all boxes, on whole maps and as chosen; what the unchanged picture costs is among the second. */
  readonly plain: number
  readonly incremental: number
  /** How many times fewer they would be with a window of its own size for each box, and windows wherever they can be. */
  readonly bound: number
}

/** The cheapest number of tasks on windows. */
export function choose(local: Locality, batches: readonly Batch[]): Choice {
  const tasks = local.nodes.filter(isTask)
  const boxes = batches.reduce((n, b) => n + b.boxes.length, 0)
  const plainTime = tasks.reduce((ns, t) => ns + wholeTime(t), 0) * boxes
  const last = tasks.map((t) => t.step !== undefined).lastIndexOf(true) + 1
  const times = Array.from({ length: last }, (_, i) => ({ tasks: i + 1, ns: timeOf(local, tasks, i + 1, batches) }))
  const best = times.reduce((a, b) => (b.ns < a.ns ? b : a), { tasks: 0, ns: WORTH * plainTime })
  return { tasks: best.tasks, ...count(tasks, best.tasks, batches) }
}

/** Exact counts of multiply-adds; see {@link Choice}. */
export function count(tasks: readonly Task[], onWindows: number, batches: readonly Batch[]): Omit<Choice, 'tasks'> {
  const once = tasks.reduce((n, t) => n + t.macs, 0)
  const boxes = batches.reduce((n, b) => n + b.boxes.length, 0)
  let [incremental, tight] = [onWindows > 0 ? once : 0, 0]
  for (const { boxes: own, changes } of batches)
    for (const [i, { step, macs }] of tasks.entries()) {
      if (macs === 0) continue
      const frame = step?.out.frame
      incremental += own.length * macs * (frame && i < onWindows ? share(frame, changes) : 1)
      tight += macs * (frame ? tightShare(frame, changes) : own.length)
    }
  return { plain: once * boxes, incremental, bound: (once * boxes) / tight }
}

/** Shares of the whole map that the changed places of each box are, summed. */
function tightShare(frame: Frame, changes: Batch['changes']): number {
  const places = changes.intervals(frame).map((box) => product(box.map(([low, high]) => high - low)))
  return places.reduce((a, b) => a + b, 0) / product(frame.extents)
}

function wholeTime({ macs, elements }: Task): number {
  return macs * NS.mac + elements * NS.element
}

function timeOf(local: Locality, tasks: readonly Task[], onWindows: number, batches: readonly Batch[]): number {
  const windows = tasks.slice(0, onWindows)
  const tables = new Map<string, { readonly elements: number; readonly frame: Frame }>()
  const gathered = new Map<string, { readonly numbers: number; readonly reading: Reading | Frame }>()
  const note = (value: string, frame: Frame, reading: Reading | Frame): void => {
    const elements = product(local.seen.dims(value) ?? [])
    tables.set(value, { elements, frame })
    gathered.set(`${value} ${reading.key}`, { numbers: elements / product(frame.extents), reading })
  }
  for (const task of windows) for (const { value, reading } of readingsOf(task)) note(value, reading.from, reading)
  const made = new Map(windows.flatMap((t) => t.node.outputs.map((o) => [o, t.step?.out.frame] as const)))
  made.set(local.input, local.window.frame)
  const isMade = (t: Task, i: number): boolean => i < onWindows && t.step !== undefined
  const ends = local.graph.outputs.map((o) => o.name)
  for (const value of [
    ...tasks.flatMap((t, i) => (isMade(t, i) || t.node.op === 'Shape' ? [] : t.node.inputs)),
    ...ends,
  ]) {
    const frame = made.get(value)
    if (frame) note(value, frame, frame)
  }
  const whole = tasks.reduce((ns, t, i) => ns + (isMade(t, i) ? 0 : wholeTime(t)), 0)
  const copied = [...tables.values()].reduce((n, t) => n + t.elements, 0) * NS.copied
  const nodes = (windows.length + 4 * gathered.size) * NS.node
  return batches.reduce((ns, { boxes, changes }) => {
    const own = windows.reduce((n, t) => n + (t.step ? wholeTime(t) * share(t.step.out.frame, changes) : 0), 0)
    const read = [...gathered.values()].reduce((n, g) => n + g.numbers * placesRead(g.reading, changes), 0)
    return ns + boxes.length * (whole + own + read * NS.gathered) + copied + nodes
  }, 0)
}

/** Places that are read for a box: of a reading, or all of a map that is made whole. */
function placesRead(reading: Reading | Frame, changes: Batch['changes']): number {
  if (!('to' in reading)) return product(reading.extents)
  const { lengths } = changes.windows(reading.to)
  return product(reading.axes.map((a, i) => lengthRead(a, lengths[i] ?? 1)))
}
