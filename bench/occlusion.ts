// Occlusion on windows against whole copies of the picture, in one run:
// `npm run bench:occlusion [-- MODEL.onnx|FOLDER ...] [--patch 16] [--stride 4] [--batch 16] [--runs 12] [--json FILE]`.
// Without models: the shipped one.
//
// A run is a batch of squares; those timed lie all over the picture. Runs of both ways are interleaved, and each figure is the best (the machine is
// shared: the least disturbed run) with the median in brackets. The bound is how many times fewer multiply-adds the windows of single squares have
// than whole passes; counted are those of the graph as it runs. Where ONNXPLAIN_PYTHON names a Python with captum and torchvision, and the model's
// folder or file is called like one of torchvision's networks, Captum's Occlusion is timed between our runs, at its best batch size.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Session } from '../src/core/runtime.js'
import { float32, sizeOf } from '../src/core/tensor.js'
import { type ChangedHost, ChangedRuns, onWholes } from '../src/explain/changed.js'
import { findPictureInput, VERSION } from '../src/explain/index.js'
import { intervalsOf } from '../src/methods/covering.js'
import { positions } from '../src/methods/occlusion.js'
import { uniform } from '../src/methods/random.js'
import { ortRuntime } from '../src/node/ort.js'
import { resolveModel } from '../src/node/resolve.js'
import { encodeSkeleton } from '../src/onnx/encode.js'
import { choose, count, framesOf, isTask, locality, schedule } from '../src/passes/incremental/index.js'
import { lower } from '../src/passes/lower.js'
import { probe } from '../src/passes/probe.js'
import { prune } from '../src/passes/prune.js'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    patch: { type: 'string', default: '16' },
    stride: { type: 'string', default: '4' },
    batch: { type: 'string', default: '16' },
    runs: { type: 'string', default: '12' },
    json: { type: 'string' },
  },
})
const [PATCH, STRIDE, BATCH, RUNS] = [values.patch, values.stride, values.batch, values.runs].map(Number) as [
  number,
  number,
  number,
  number,
]

const runtime = await ortRuntime()

/** Milliseconds a square, run by run. */
interface Times {
  readonly plain: number[]
  readonly windows: number[]
  readonly captum: number[]
}

async function measure(path: string) {
  const resolved = await resolveModel(path === '' ? undefined : path)
  const shapes = await probe(resolved.graph, runtime)
  const graph = prune(lower(resolved.graph))
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
  if (!local) throw new Error('the sizes of its values are not known')
  const letters = input.layout.slice(1)
  const batches = schedule(
    squares.map((s) => intervalsOf(s, letters)),
    framesOf(local),
    BATCH,
  )
  const onWindows = choose(local, batches)
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
  const name =
    path === '' ? 'shipped model' : basename(path) === 'model.onnx' ? basename(dirname(path)) : basename(path)
  const grey = new Float32Array(picture.data.length)
  // batches from everywhere in the schedule, each a group, so that it stays one run
  const groups = Array.from({ length: RUNS }, (_, r) =>
    (batches[Math.floor(((r + 0.5) / RUNS) * batches.length)]?.boxes ?? []).flatMap((i) => squares[i] ?? []),
  )
  const times: Times = { plain: [], windows: [], captum: [] }
  const windows = new ChangedRuns().run(host, picture, groups, grey, BATCH)
  for (const [r, group] of groups.entries()) {
    for (const [into, runs] of [
      [times.plain, onWholes(host, picture, group, grey, BATCH)],
      [times.windows, windows],
    ] as const) {
      const start = performance.now()
      await runs.next()
      // the first run makes the session
      if (r > 0) into.push((performance.now() - start) / group.length)
    }
    if (r === Math.floor(RUNS / 2)) times.captum.push(...captum(name))
  }
  for (const session of sessions.values()) await session.release()
  const tasks = local.nodes.filter(isTask)
  return {
    name,
    squares: squares.length,
    tasks: tasks.length,
    onWindows,
    count: count(local, onWindows, batches),
    ...times,
  }
}

/** Captum's milliseconds a square, one for each batch size that is tried; none where there is no Captum or no such network. */
function captum(name: string): readonly number[] {
  const python = process.env.ONNXPLAIN_PYTHON
  if (!python) return []
  const script = fileURLToPath(new URL('captum_occlusion.py', import.meta.url))
  const run = spawnSync(python, [script, name, String(PATCH), String(STRIDE)], { encoding: 'utf8' })
  if (run.status === 0) return JSON.parse(run.stdout) as number[]
  console.error(`${name}: ${run.stderr.trim().split('\n').at(-1)}`)
  return []
}

const best = (ms: readonly number[]): number => Math.min(...ms)
const median = (ms: readonly number[]): number => [...ms].sort((a, b) => a - b)[Math.floor(ms.length / 2)] ?? Number.NaN

console.log(
  `onnxplain ${VERSION}, ${runtime.name}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}, squares of ${PATCH} px, step ${STRIDE} px, ${BATCH} a run, best (median) of ${RUNS - 1}\n`,
)
const columns = [
  'network',
  'squares',
  'nodes on windows',
  'bound',
  'counted',
  'plain ms a square',
  'windows ms',
  'times faster',
  'share of the bound',
  'Captum ms',
  'Captum / windows',
]
console.log(`| ${columns.join(' | ')} |\n|${columns.map(() => '---|').join('')}`)
const results = []
for (const path of positionals.length === 0 ? [''] : positionals) {
  const m = await measure(path)
  results.push(m)
  const faster = best(m.plain) / best(m.windows)
  const cells = [
    m.name,
    m.squares,
    m.onWindows === 0 ? 'none: plain is as fast' : `${m.onWindows} of ${m.tasks}`,
    m.count.bound.toFixed(2),
    (m.count.plain / m.count.incremental).toFixed(2),
    `${best(m.plain).toFixed(2)} (${median(m.plain).toFixed(2)})`,
    `${best(m.windows).toFixed(2)} (${median(m.windows).toFixed(2)})`,
    `${faster.toFixed(2)} (${(median(m.plain) / median(m.windows)).toFixed(2)})`,
    (faster / m.count.bound).toFixed(2),
    m.captum.length > 0 ? best(m.captum).toFixed(2) : '-',
    m.captum.length > 0 ? (best(m.captum) / best(m.windows)).toFixed(1) : '-',
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
if (values.json)
  writeFileSync(
    values.json,
    `${JSON.stringify({ version: VERSION, runtime: runtime.name, patch: PATCH, stride: STRIDE, batch: BATCH, results }, null, 1)}\n`,
  )
