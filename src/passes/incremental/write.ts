/**
 * Writes what a {@link Locality} says as two graphs. The *unchanged* one gives, of one picture, the tables that windows are read around with:
 * a row for each place of a map, and one for each kind of padding. The *changed* one takes windows of the input, these tables and the indices of
 * the rows to read (`rowsRead`), and gives the network's outputs. Requires: opset 13 and later. Guarantees: the outputs are those of the network
 * on the pictures that the windows are of; names of values that are made whole stay.
 */
import { float32, int64 } from '../../core/tensor.js'
import { attributes } from '../../onnx/attributes.js'
import { Builder, declare } from '../../onnx/builder.js'
import type { Graph, Node } from '../../onnx/ir.js'
import { reads } from '../../onnx/ir.js'
import { prune } from '../prune.js'
import { nowhereFrame, STILL, wholeFrame } from './frames.js'
import { isTask, type Locality, product, type Task } from './plan.js'
import { isAsItIs, PADS, type Reading, readingOf } from './reading.js'
import type { Windowed } from './rules.js'

export interface Incremental {
  /** One picture in, tables out. */
  readonly unchanged: Graph
  readonly changed: Graph
  /** The input of `changed` that takes windows of the picture, in the layout of the picture. */
  readonly window: string
  /** Outputs of `unchanged`, inputs of `changed`, by the same names. */
  readonly tables: readonly string[]
  /** Inputs of `changed`: int32 `[boxes, ...places]`. */
  readonly readings: readonly { readonly name: string; readonly reading: Reading }[]
}

/** @param tasks how many of the tasks, from the first on, are done on windows. */
export function writeIncremental(local: Locality, tasks: number): Incremental {
  const writer = new Writer(local)
  let count = 0
  for (const item of local.nodes) {
    if (!isTask(item)) writer.copy(item)
    else if (count++ < tasks && item.step) writer.onWindows(item)
    else writer.whole(item.node)
  }
  return writer.finish()
}

class Writer {
  readonly #local: Locality
  readonly #b: Builder
  /** Names of windows, by the value that they are of. */
  readonly #windows = new Map<string, { readonly name: string; readonly of: Windowed }>()
  readonly #tables = new Map<string, { readonly table: string; readonly all: string }>()
  readonly #readings = new Map<string, { readonly name: string; readonly reading: Reading }>()
  readonly #read = new Map<string, string>()

  constructor(local: Locality) {
    this.#local = local
    this.#b = new Builder(local.graph)
    this.#windows.set(local.input, { name: this.#b.fresh(`${local.input}/window`), of: local.window })
  }

  copy(node: Node): void {
    this.#b.emit(node)
  }

  onWindows({ step, node }: Task): void {
    if (!step) return
    const b = this.#b
    const inputs = node.inputs.map((value, i) => {
      const reading = step.readings[i]
      return reading ? this.#reading(value, reading) : (this.#windows.get(value)?.name ?? value)
    })
    const outputs = node.outputs.map((o) => (o === '' ? '' : b.fresh(`${o}/window`)))
    const { factors, shape } = step
    if (shape) {
      const [input = ''] = inputs
      const extents = shape.map((d) => (typeof d === 'number' ? d : b.extent(input, d.axis)))
      this.#windows.set(node.outputs[0] ?? '', { name: b.reshape(input, extents), of: step.out })
      return
    }
    b.emit({ ...step.node, name: outputs[0] ?? '', inputs: inputs.slice(0, step.node.inputs.length), outputs })
    for (const [i, output] of outputs.entries()) {
      const name = factors ? b.op('Mul', [output, this.#factors(factors, step.out)]) : output
      this.#windows.set(node.outputs[i] ?? '', { name, of: step.out })
    }
  }

  /** A node on whole maps: windows among what it reads are put into them. */
  whole(node: Node): void {
    const [first = ''] = node.inputs
    if (node.op === 'Shape' && node.attributes.size === 0 && this.#windows.has(first)) this.#shape(node, first)
    else {
      for (const value of reads(node)) this.#makeWhole(value)
      this.#b.emit(node)
    }
  }

  /** The shape of a whole map, of which there is no need to be told. */
  #shape(node: Node, value: string): void {
    const b = this.#b
    const batch = b.extent(this.#windows.get(value)?.name ?? value, 0)
    const sizes = this.#local.seen.dims(value)?.slice(1) ?? []
    b.emit({ ...node, op: 'Concat', inputs: [b.vector([batch]), b.int64s(sizes)], attributes: attributes({ axis: 0 }) })
  }

  #makeWhole(value: string): void {
    const window = this.#windows.get(value)
    if (!window || this.#read.has(`whole ${value}`)) return
    const { frame, axes } = window.of
    const still = axes.map(() => STILL)
    const name = this.#reading(value, readingOf(frame, wholeFrame(frame.extents), still))
    this.#b.alias(name, value)
    this.#read.set(`whole ${value}`, value)
  }

  /** What is read around the windows of a value: `[boxes, ...]` in the value's layout. */
  #reading(value: string, reading: Reading): string {
    const window = this.#windows.get(value)
    if (!window || isAsItIs(reading)) return window?.name ?? value
    const key = `${value} ${reading.key}`
    const known = this.#read.get(key)
    if (known !== undefined) return known
    const rows = this.#b.op('Gather', [this.#table(value, window.name, window.of), this.#indices(reading)], { axis: 0 })
    const made = this.#asMap(rows, value, window.of)
    this.#read.set(key, made)
    return made
  }

  #indices(reading: Reading): string {
    const { key } = reading
    const known = this.#readings.get(key) ?? { name: this.#b.fresh(`rows/${this.#readings.size}`), reading }
    this.#readings.set(key, known)
    return known.name
  }

  /** Rows of the unchanged map and behind them those of the windows. */
  #table(value: string, window: string, of: Windowed): string {
    const known = this.#tables.get(value)
    if (known) return known.all
    const table = this.#b.fresh(`${value}/table`)
    const rows = toRows(this.#b, window, this.#rest(value, of), of)
    const all = this.#b.op('Concat', [table, rows], { axis: 0 })
    this.#tables.set(value, { table, all })
    return all
  }

  /** Sizes of the axes that are neither the batch nor places. */
  #rest(value: string, { axes }: Windowed): readonly number[] {
    return (this.#local.seen.dims(value) ?? []).filter((_, i) => i !== 0 && !axes.includes(i))
  }

  /** Rows `[boxes, ...places, numbers]` in the layout of a value. */
  #asMap(rows: string, value: string, of: Windowed): string {
    const rest = this.#rest(value, of)
    const perm = rowsOrder(of.axes, rest.length)
    const inverse = perm.map((_, i) => perm.indexOf(i))
    // 0 keeps an axis: of the boxes and of the places
    const shape = [0, ...of.axes.map(() => 0), ...rest]
    const parted = rest.length === 1 ? rows : this.#b.op('Reshape', [rows, this.#b.int64s(shape)])
    return this.#b.transpose(parted, inverse)
  }

  /** `[boxes, 1, ...places]`: a number for each place. */
  #factors(factors: Float32Array, { frame }: Windowed): string {
    const b = this.#b
    const table = b.constant(float32([factors.length], factors), 'factors')
    const still = frame.extents.map(() => STILL)
    const nowhere = nowhereFrame(frame.extents)
    const places = b.op('Gather', [table, this.#indices(readingOf(nowhere, frame, still))], {
      axis: 0,
    })
    return b.op('Unsqueeze', [places, b.constant(int64([1], [1]))])
  }

  finish(): Incremental {
    const { graph, input, window, seen } = this.#local
    const b = this.#b
    for (const { name } of graph.outputs) this.#makeWhole(name)
    const sizes = (value: string): readonly (number | null)[] =>
      seen.dims(value)?.map((d, i) => (i === 0 || this.#windows.get(value)?.of.axes.includes(i) ? null : d)) ?? []
    const entry = this.#windows.get(input)?.name ?? input
    const tables = [...this.#tables].map(([value, { table }]) => ({
      value,
      table,
      of: this.#windows.get(value)?.of ?? window,
    }))
    const readings = [...this.#readings.values()]
    const others = graph.inputs.filter((i) => i.name !== input)
    const whole = new Set(b.nodes.flatMap((n) => n.outputs))
    const changed = graph.with({
      nodes: b.nodes,
      initializers: b.initializers(),
      valueInfo: graph.valueInfo.filter((v) => whole.has(v.name)),
      inputs: [
        ...others,
        declare(entry, 'float32', sizes(input)),
        ...tables.map((t) => declare(t.table, 'float32', [null, product(this.#rest(t.value, t.of))])),
        ...readings.map((r) => declare(r.name, 'int32', [null, ...r.reading.axes.map(() => null)])),
      ],
    })
    return {
      unchanged: this.#unchanged(tables),
      changed: prune(changed, { dropInputs: true }),
      window: entry,
      tables: tables.map((t) => t.table),
      readings,
    }
  }

  #unchanged(tables: readonly { readonly value: string; readonly table: string; readonly of: Windowed }[]): Graph {
    const { graph, batch } = this.#local
    const b = new Builder(graph)
    for (const { value, table, of } of tables) {
      const rest = this.#rest(value, of)
      const pads = PADS.flatMap((p) => Array<number>(product(rest)).fill(p))
      const outside = b.constant(float32([PADS.length, product(rest)], pads), 'pads')
      const rows = toRows(b, value, rest, of)
      // a model of fixed batch holds the picture several times
      const once = batch === 1 ? rows : b.slice(rows, [0], [0], [product(of.frame.extents)])
      b.alias(b.op('Concat', [once, outside], { axis: 0 }), table)
    }
    return b.finish({ outputs: [...graph.outputs, ...tables.map((t) => declare(t.table, 'float32'))] })
  }
}

/** A map `[N, ...]` as rows: `[N * places, numbers]`. */
function toRows(b: Builder, value: string, rest: readonly number[], of: Windowed): string {
  const turned = b.transpose(value, rowsOrder(of.axes, rest.length))
  return b.op('Reshape', [turned, b.int64s([-1, product(rest)])])
}

/** The batch, the places, the rest. */
function rowsOrder(axes: readonly number[], rest: number): readonly number[] {
  const all = Array.from({ length: 1 + axes.length + rest }, (_, i) => i)
  return [0, ...axes, ...all.filter((a) => a !== 0 && !axes.includes(a))]
}
