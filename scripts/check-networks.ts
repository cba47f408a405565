/**
 * Holds whole networks to PyTorch's gradients:
 *
 *     npx tsx scripts/check-networks.ts FOLDER [NAME...]
 *
 * FOLDER/NAME/ (or FOLDER/EXPORT/NAME/) holds model.onnx (input `input`, output `output`, unless meta.json names its `input` and `output`), input.npy, grad_input.npy
 * (d output[0, target] / d input by autograd), meta.json (`target`, `exporter`, `opset`, and `layer_value` where a layer was
 * watched) and then layer_grad.npy. A network whose answer is no list of classes stores the gradient that arrives at `output` as
 * seed.npy. Prints one row of a markdown table a network; exits with 1 where one exceeds a limit:
 *
 * - gradients: a correlation of 0.999 and a relative L2 of 4e-2, or 1e-3 where the network is smooth (no Relu, no MaxPool, ...)
 * - the backward pass of resnet50 and vit_b_16: 3 nodes for each one of the forward pass
 * - compilation: 2 s of processor time
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Session } from '../src/core/runtime.js'
import { float32, type Tensor } from '../src/core/tensor.js'
import { findPictureInput } from '../src/explain/input.js'
import { chooseLayer, networkOf } from '../src/methods/layers.js'
import { ortRuntime } from '../src/node/ort.js'
import { decode } from '../src/onnx/decode.js'
import { encodeSkeleton } from '../src/onnx/encode.js'
import type { Graph } from '../src/onnx/ir.js'
import type { Shapes } from '../src/onnx/shapes.js'
import { lower } from '../src/passes/lower.js'
import { probe } from '../src/passes/probe.js'
import { prune } from '../src/passes/prune.js'
import { findAnswer } from '../src/targets/answer.js'
import { differentiate, gradientName } from '../src/vjp/differentiate.js'
import { correlation, relativeL2 } from '../test/support/measures.js'
import { readNpyFloat32 } from '../test/support/npy.js'
import { numbers } from '../test/support/run.js'

const LIMITS = { relativeL2: 4e-2, smooth: 1e-3, correlation: 0.999, nodes: 3, compileMs: 2000 }
const COUNTED = new Set(['resnet50', 'vit_b_16'])

/** Operators with a kink: float32 rounding may put a value on the other side of it than PyTorch's did. */
const KINKED = new Set([
  'Abs',
  'Celu',
  'Clip',
  'GlobalMaxPool',
  'HardSigmoid',
  'HardSwish',
  'LeakyRelu',
  'Max',
  'MaxPool',
  'Min',
  'PRelu',
  'ReduceMax',
  'Relu',
])

interface Meta {
  readonly target: number
  readonly exporter?: string
  readonly opset?: number
  readonly layer_value?: string | null
  /** Value names. Default: `input`, `output`. */
  readonly input?: string
  readonly output?: string
}

interface Agreement {
  readonly relativeL2: number
  readonly correlation: number
}

interface Row {
  readonly name: string
  readonly exporter: string
  readonly smooth: boolean
  readonly input: Agreement
  readonly layer: Agreement | undefined
  /** The layer onnxplain chooses, where it is another than the watched one. */
  readonly chosen: string
  /** Nodes of the forward and of the backward pass. */
  readonly forward: number
  readonly backward: number
  /** From the bytes to those of the gradient, without the probe of shapes: processor time, which other work does not lengthen. */
  readonly compileMs: number
  readonly probeMs: number
  /** Creation of the session with the backward pass, and of the forward pass alone. */
  readonly sessionMs: readonly [number, number]
}

function faults(row: Row): string[] {
  const limit = row.smooth ? LIMITS.smooth : LIMITS.relativeL2
  const off = (a: Agreement | undefined): boolean =>
    a !== undefined && !(a.relativeL2 <= limit && a.correlation >= LIMITS.correlation)
  return [
    ...(off(row.input) ? ['input'] : []),
    ...(off(row.layer) ? ['layer'] : []),
    ...(COUNTED.has(row.name) && row.backward > LIMITS.nodes * row.forward ? ['nodes'] : []),
    ...(row.compileMs > LIMITS.compileMs ? ['compile'] : []),
  ]
}

function printAgreement(a: Agreement | undefined): string {
  return a ? `${a.relativeL2.toExponential(1)} | ${a.correlation.toFixed(6)}` : '- | -'
}

function printRow(row: Row): string {
  const wrong = faults(row)
  return [
    wrong.length === 0 ? row.name : `**${row.name}** (${wrong.join(', ')})`,
    row.exporter,
    row.smooth ? 'smooth' : '',
    printAgreement(row.input),
    printAgreement(row.layer),
    row.chosen,
    `${row.backward} / ${row.forward} = ${(row.backward / row.forward).toFixed(2)}`,
    row.compileMs.toFixed(0),
    row.probeMs.toFixed(0),
    row.sessionMs.map((ms) => ms.toFixed(0)).join(' / '),
  ].join(' | ')
}

const HEADINGS = [
  'network',
  'export',
  'smooth',
  'input: relative L2',
  'correlation',
  'layer: relative L2',
  'correlation',
  'default layer',
  'nodes backward / forward',
  'compile: processor ms',
  'probe ms',
  'session ms, forward alone',
]

function defaultLayer(graph: Graph, shapes: Shapes): string {
  try {
    const picture = findPictureInput(graph, shapes)
    const { logits } = findAnswer(graph, shapes)
    return chooseLayer(networkOf({ graph: lower(graph), shapes, picture, logits }), undefined).value
  } catch (error) {
    return `none: ${error instanceof Error ? error.message.split('.')[0] : error}`
  }
}

async function timed<T>(work: () => T | Promise<T>): Promise<[T, number]> {
  const start = performance.now()
  const result = await work()
  return [result, performance.now() - start]
}

/** What arrives at the answer: one-hot for the target, or what the folder says. */
function seedFor(folder: string, target: number, output: string, shapes: Shapes): Tensor<'float32'> {
  const file = join(folder, 'seed.npy')
  if (existsSync(file)) return readNpyFloat32(file)
  const classes = shapes.get(output)?.dims?.[1]
  const seed = float32([1, typeof classes === 'number' ? classes : 1000])
  seed.data[target] = 1
  return seed
}

async function check(folder: string): Promise<Row> {
  const meta: Meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'))
  const { target, input = 'input', output = 'output' } = meta
  const read = (name: string) => readNpyFloat32(join(folder, name))
  const runtime = await ortRuntime()
  const bytes = Uint8Array.from(readFileSync(join(folder, 'model.onnx')))
  const graph = decode(bytes)
  const [shapes, probeMs] = await timed(() => probe(graph, runtime))
  const watched = meta.layer_value ?? undefined
  const of = { of: output, wrt: [input], shapes }
  const before = process.cpuUsage()
  const file = encodeSkeleton(differentiate(decode(bytes), of))
  const { user, system } = process.cpuUsage(before)
  const open = async (g: Graph): Promise<[Session, number]> => timed(() => runtime.createSession(encodeSkeleton(g)))
  const [plain, forwardMs] = await open(graph)
  await plain.release()
  const [own, ownMs] = await timed(() => runtime.createSession(file))
  await own.release()
  const both = differentiate(graph, { ...of, wrt: watched ? [input, watched] : [input] })
  const [session] = await open(both)
  const feeds = { [input]: read('input.npy'), [gradientName(output)]: seedFor(folder, target, output, shapes) }
  const out = await session.run(feeds)
  await session.release()
  const compare = (value: string, stored: string): Agreement => {
    const got = numbers(out[gradientName(value)])
    const want = read(stored).data
    return { relativeL2: relativeL2(got, want), correlation: correlation(got, want) }
  }
  const chosen = defaultLayer(graph, shapes)
  const forward = prune(lower(graph)).nodes
  return {
    name: basename(folder),
    exporter: `${meta.exporter ?? '?'} ${meta.opset ?? '?'}`,
    smooth: !forward.some((n) => n.domain === '' && KINKED.has(n.op)),
    input: compare(input, 'grad_input.npy'),
    layer: watched ? compare(watched, 'layer_grad.npy') : undefined,
    chosen: chosen === watched ? 'the same' : `${chosen}${watched ? ` instead of ${watched}` : ''}`,
    forward: forward.length,
    backward: differentiate(graph, of).nodes.length - forward.length,
    compileMs: (user + system) / 1000,
    probeMs,
    sessionMs: [ownMs, forwardMs],
  }
}

/** The folders of networks in a folder, or in the folders in it. */
function networksIn(folder: string): string[] {
  const inner = readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory())
  return inner
    .map((e) => join(folder, e.name))
    .sort()
    .flatMap((path) => (existsSync(join(path, 'meta.json')) ? [path] : networksIn(path)))
}

async function main(folder: string, wanted: readonly string[]): Promise<boolean> {
  console.log(`| ${HEADINGS.join(' | ')} |`)
  console.log(`|${HEADINGS.map(() => '---').join('|')}|`)
  let good = true
  for (const path of networksIn(folder)) {
    const name = basename(path)
    if (wanted.length > 0 && !wanted.includes(name)) continue
    try {
      const row = await check(path)
      good &&= faults(row).length === 0
      console.log(`| ${printRow(row)} |`)
    } catch (error) {
      good = false
      console.log(`| **${path}** | ${error instanceof Error ? error.message.replaceAll('|', '\\|') : error} |`)
    }
  }
  return good
}

const [folder, ...names] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: npx tsx scripts/check-networks.ts FOLDER [NAME...]')
  process.exitCode = 2
} else if (!(await main(folder, names))) process.exitCode = 1
