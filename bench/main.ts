// Speed, as ratios to the plain forward pass in the same run: `npm run bench [-- MODEL.onnx|FOLDER ...] [--runs N]`.
//
// A FOLDER may hold model.onnx, or folders that do. Runs of the compared graphs are interleaved; each figure is the best of N (the machine
// is shared: the least disturbed run), the ratio's spread is that of the quartiles. Without arguments: the shipped model.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Session } from '../src/core/runtime.js'
import { float32, int64, sizeOf, type Tensor } from '../src/core/tensor.js'
import { compile, findPictureInput, VERSION } from '../src/explain/index.js'
import { ortRuntime } from '../src/node/ort.js'
import { resolveModel } from '../src/node/resolve.js'
import { encodeSkeleton } from '../src/onnx/encode.js'
import { probe } from '../src/passes/probe.js'
import { prune } from '../src/passes/prune.js'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '15' } },
})
const RUNS = Number(values.runs)
const WARM_UP = 2
const METHODS = ['grad-cam', 'gradient', 'guided-backpropagation'] as const
/** Methods whose two ways to explain two targets are compared: at a layer, and at the picture. */
const PAIRED: ReadonlySet<string> = new Set(['grad-cam', 'gradient'])

interface Timed {
  readonly name: string
  readonly run: () => Promise<unknown>
  readonly ms: number[]
}

/** Interleaved: a b c a b c ... */
async function measure(timed: readonly Timed[]): Promise<void> {
  for (let i = -WARM_UP; i < RUNS; i++)
    for (const t of timed) {
      const start = performance.now()
      await t.run()
      if (i >= 0) t.ms.push(performance.now() - start)
    }
}

const best = (ms: readonly number[]): number => Math.min(...ms)

function quantile(values: readonly number[], q: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? Number.NaN
}

/** The best run against the best run, and the middle half of the ratios run by run. */
function ratio(of: Timed, to: Timed): string {
  const each = of.ms.map((v, i) => v / (to.ms[i] ?? Number.NaN))
  return `${(best(of.ms) / best(to.ms)).toFixed(2)} (${quantile(each, 0.25).toFixed(2)}-${quantile(each, 0.75).toFixed(2)})`
}

/** Seeded noise of the size of preprocessed pictures. */
function noise(dims: readonly number[]): Tensor<'float32'> {
  let state = 1
  const next = (): number => {
    state = (state * 1664525 + 1013904223) % 2 ** 32
    return (state / 2 ** 32) * 4 - 2
  }
  return float32(dims, Float32Array.from({ length: sizeOf(dims) }, next))
}

function timed(name: string, session: Session, feeds: Readonly<Record<string, Tensor>>): Timed {
  return { name, run: () => session.run(feeds), ms: [] }
}

async function row(path: string): Promise<readonly string[]> {
  const runtime = await ortRuntime()
  const { graph } = await resolveModel(path === '' ? undefined : path)
  const shapes = await probe(graph, runtime)
  const input = findPictureInput(graph, shapes)
  const [height = 224, width = 224] = [input.height, input.width]
  const dims = input.layout === 'NCHW' ? [1, input.channels, height, width] : [1, height, width, input.channels]
  const picture = { [input.name]: noise(dims) }
  const plain = await runtime.createSession(encodeSkeleton(prune(graph)))
  const forward = timed('forward', plain, picture)
  const compileMs: number[] = []
  const plans: Timed[] = []
  /** Two targets of one picture, in one run and in two. */
  const pairs: { readonly one: Timed; readonly two: Timed }[] = []
  for (const method of METHODS) {
    const start = performance.now()
    const plan = compile(graph, { method, shapes })
    const file = encodeSkeleton(
      prune(plan.graph.with({ outputs: plan.graph.outputs.filter((o) => o.name === 'heatmap') })),
    )
    compileMs.push(performance.now() - start)
    const session = await runtime.createSession(file)
    const feeds = (targets: readonly number[]) => ({
      ...picture,
      [plan.targetInputs[0]?.name ?? '']: int64([targets.length], targets),
    })
    plans.push(timed(method, session, feeds([0])))
    if (!PAIRED.has(method) || !plan.batched) continue
    const both = async (): Promise<void> => {
      for (const target of [0, 1]) await session.run(feeds([target]))
    }
    pairs.push({ one: timed(method, session, feeds([0, 1])), two: { name: method, run: both, ms: [] } })
  }
  await measure([forward, ...plans, ...pairs.flatMap((p) => [p.one, p.two])])
  const name =
    path === '' ? 'shipped model' : basename(path) === 'model.onnx' ? basename(dirname(path)) : basename(path)
  return [
    name,
    String(graph.nodes.length),
    best(forward.ms).toFixed(1),
    ...plans.map((p) => ratio(p, forward)),
    ...[...PAIRED].map((_, i) => (pairs[i] ? ratio(pairs[i].one, pairs[i].two) : '-')),
    Math.max(...compileMs).toFixed(0),
  ]
}

/** Model files below what was named. */
function models(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path]
  if (existsSync(join(path, 'model.onnx'))) return [join(path, 'model.onnx')]
  return readdirSync(path).flatMap((name) => (statSync(join(path, name)).isDirectory() ? models(join(path, name)) : []))
}

const runtime = await ortRuntime()
console.log(
  `onnxplain ${VERSION}, ${runtime.name}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}, best of ${RUNS}\n`,
)
const columns = [
  'network',
  'nodes',
  'forward ms',
  ...METHODS.map((m) => `${m} / forward`),
  ...[...PAIRED].map((m) => `${m}, 2 targets: one run / two`),
  'compile ms',
]
console.log(`| ${columns.join(' | ')} |`)
console.log(`|${columns.map(() => '---|').join('')}`)
for (const path of positionals.length === 0 ? [''] : positionals.flatMap(models)) {
  try {
    console.log(`| ${(await row(path)).join(' | ')} |`)
  } catch (error) {
    console.log(`| ${path} | failed: ${error instanceof Error ? error.message.slice(0, 200) : error} |`)
    process.exitCode = 1
  }
}
