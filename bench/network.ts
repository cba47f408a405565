/** What is measured of one network. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ModelFile, Runtime, Session } from '../src/core/runtime.js'
import { float32, int64, sizeOf, type Tensor } from '../src/core/tensor.js'
import { compile, findPictureInput, loadModel } from '../src/explain/index.js'
import { ortRuntime } from '../src/node/ort.js'
import { resolveModel } from '../src/node/resolve.js'
import { encodeSkeleton } from '../src/onnx/encode.js'
import type { Graph } from '../src/onnx/ir.js'
import type { Shapes } from '../src/onnx/shapes.js'
import { gainsByPacking } from '../src/passes/packing.js'
import { probe } from '../src/passes/probe.js'
import { prune } from '../src/passes/prune.js'
import { byProcessor, interleave, once, ratio, round, type Spread, spread, type Timed, timed } from './measure.js'
import { measureOcclusion } from './occlusion.js'
import { byOperator, profileNodes } from './profile.js'
import { load, type NetworkResult } from './results.js'
import { PYTHON, Rivals } from './rivals.js'
import { type Measure, targetOf } from './targets.js'

export interface BenchOptions {
  readonly runs: number
  /** Per operator, by ONNX Runtime's profiler. */
  readonly profile: boolean
  /** Score-CAM and Ablation-CAM against pytorch-grad-cam's, of the networks that have a target: minutes. */
  readonly slow: boolean
  /** Occlusion on windows, against whole pictures and Captum's. */
  readonly occlusion: boolean
  /** Peak memory, in processes of their own. */
  readonly memory: boolean
}

/** The figure of `onnxplain PICTURE` without its occlusion. */
export const COLUMNS = ['guided-backpropagation', 'grad-cam', 'guided-grad-cam', 'cam'] as const

/** Seeded noise of the size of preprocessed pictures. */
export function noise(dims: readonly number[]): Tensor<'float32'> {
  let state = 1
  const next = (): number => {
    state = (state * 1664525 + 1013904223) % 2 ** 32
    return (state / 2 ** 32) * 4 - 2
  }
  return float32(dims, Float32Array.from({ length: sizeOf(dims) }, next))
}

/** A graph that gives what a method makes, and what it is fed for classes. */
export interface Compiled {
  readonly graph: Graph
  readonly file: ModelFile
  readonly feeds: (classes: readonly number[]) => Readonly<Record<string, Tensor>>
  readonly batched: boolean
}

/** A network ready to be measured: its picture, and what is made of it. */
export async function prepared(path: string, runtime: Runtime) {
  const parts = await resolveModel(path === '' ? undefined : path)
  const { graph } = parts
  const shapes = await probe(graph, runtime)
  const input = findPictureInput(graph, shapes)
  const [height = 224, width = 224] = [input.height, input.width]
  const dims = input.layout === 'NCHW' ? [1, input.channels, height, width] : [1, height, width, input.channels]
  const picture = noise(dims)
  const feeds = { [input.name]: picture }
  const compiled = (method: string): Compiled => {
    const plan = compile(graph, { method, shapes })
    const wanted = plan.graph.outputs.filter((o) => o.name === 'heatmap')
    const only = prune(plan.graph.with({ outputs: wanted }))
    return {
      graph: only,
      file: encodeSkeleton(only),
      feeds: (classes) => ({ ...feeds, [plan.targetInputs[0]?.name ?? '']: int64([classes.length], classes) }),
      batched: plan.batched,
    }
  }
  /** What a model's own sessions are made with; the plain pass is ONNX Runtime's as it comes. */
  const session = { packed: gainsByPacking(graph, shapes, input.name) }
  return { parts, graph, shapes, session, picture, feeds, compiled, plain: encodeSkeleton(prune(graph)) }
}

export function nameOf(path: string): string {
  if (path === '') return 'efficientnet-lite0'
  return basename(path) === 'model.onnx' ? basename(dirname(path)) : basename(path, '.onnx')
}

export async function measureNetwork(path: string, runtime: Runtime, options: BenchOptions): Promise<NetworkResult> {
  const { parts, graph, shapes, session, picture, feeds, compiled, plain } = await prepared(path, runtime)
  const [gradCam, compileMs] = [compiled('grad-cam'), [] as number[]]
  let gradient = compiled('gradient')
  for (let i = 0; i < 3; i++) {
    const [made, ms] = await once(() => compiled('gradient'))
    gradient = made
    compileMs.push(ms)
  }
  const run = (session: Session, fed: Readonly<Record<string, Tensor>>) => () => session.run(fed)
  const creation = {
    plain: timed('plain', async () => (await runtime.createSession(plain)).release()),
    own: timed('own', async () => (await runtime.createSession(gradient.file, session)).release()),
  }
  await interleave([creation.plain, creation.own], Math.min(3, options.runs))
  const [s, cam, back] = [
    await runtime.createSession(plain),
    await runtime.createSession(gradCam.file, session),
    await runtime.createSession(gradient.file, session),
  ]
  const forward = timed('ONNX Runtime forward', run(s, feeds))
  const all: Timed[] = [
    forward,
    timed('grad-cam', run(cam, gradCam.feeds([0]))),
    timed('gradient', run(back, gradient.feeds([0]))),
  ]
  const model = await loadModel(parts, runtime)
  all.push(timed('figure', () => model.explainAll(picture, { method: [...COLUMNS], target: [0] })))
  if (gradCam.batched) {
    all.push(timed('two classes', run(cam, gradCam.feeds([0, 1]))))
    all.push(
      timed('one class twice', async () => {
        for (const c of [0, 1]) await cam.run(gradCam.feeds([c]))
      }),
    )
  }
  const [rivals, withoutRivals] = await startRivals(path)
  await interleave([...all, ...(rivals?.timed ?? [])], options.runs)
  const alone = await oneThread({ plain, gradCam, gradient, feeds }, options.runs)
  const by = new Map([...all, ...(rivals?.timed ?? [])].map((t) => [t.name, t]))
  const against = (name: string, to: Timed | undefined = forward): Spread | undefined => {
    const of = by.get(name)
    return of && to && ratio(of, to)
  }
  const found: Record<string, Spread> = Object.fromEntries([...by].map(([name, t]) => [name, spread(t.ms)]))
  const measures: Partial<Record<Measure, Spread | undefined>> = {
    'grad-cam': against('grad-cam'),
    gradient: against('gradient'),
    ...alone,
    figure: against('figure'),
    'two classes': against('two classes', by.get('one class twice')),
    session: ratio(creation.own, creation.plain),
    compile: spread(compileMs),
  }
  if (options.slow)
    for (const method of ['score-cam', 'ablation-cam'] as const) {
      if (!targetOf(method, nameOf(path))) continue
      const [, ms] = await once(() => model.explain(picture, { method, target: 0 }))
      found[method] = spread([ms])
      const rival = `pytorch-grad-cam ${method}`
      if (!rivals?.slow.includes(rival)) continue
      const theirs = await rivals.run(rival)
      found[rival] = spread([theirs])
      measures[method] = spread([theirs / ms])
    }
  const versions = rivals?.versions ?? {}
  await rivals?.stop()
  await model.release()
  for (const made of [s, cam, back]) await made.release()
  const name = nameOf(path)
  return {
    name,
    nodes: [graph.nodes.length, gradient.graph.nodes.length],
    runs: options.runs,
    load: load(),
    ms: found,
    measures: Object.fromEntries(Object.entries(measures).filter(([, m]) => m !== undefined)),
    memory: options.memory ? memoryOf(path, activations(graph, shapes)) : undefined,
    occlusion: options.occlusion ? await measureOcclusion({ graph, shapes, name }, runtime) : undefined,
    profile: options.profile
      ? {
          forward: byOperator(await profileNodes(plain, feeds)),
          gradient: byOperator(await profileNodes(gradient.file, gradient.feeds([0]))),
        }
      : undefined,
    withoutRivals,
    versions,
  }
}

/** Ratios by processor time, on one thread each. */
async function oneThread(
  of: {
    readonly plain: ModelFile
    readonly gradCam: Compiled
    readonly gradient: Compiled
    readonly feeds: Readonly<Record<string, Tensor>>
  },
  runs: number,
) {
  const runtime = await ortRuntime({ threads: 1 })
  const sessions: Session[] = []
  const made = async (name: string, file: ModelFile, fed: Readonly<Record<string, Tensor>>): Promise<Timed> => {
    const session = await runtime.createSession(file)
    sessions.push(session)
    return byProcessor(name, () => session.run(fed))
  }
  const forward = await made('forward', of.plain, of.feeds)
  const gradCam = await made('grad-cam', of.gradCam.file, of.gradCam.feeds([0]))
  const gradient = await made('gradient', of.gradient.file, of.gradient.feeds([0]))
  await interleave([forward, gradCam, gradient], runs)
  for (const session of sessions) await session.release()
  return { 'grad-cam, one thread': ratio(gradCam, forward), 'gradient, one thread': ratio(gradient, forward) }
}

async function startRivals(path: string): Promise<readonly [Rivals | undefined, string | undefined]> {
  if (PYTHON === undefined) return [undefined, 'ONNXPLAIN_PYTHON is not set']
  const folder = dirname(path)
  if (path !== '' && !existsSync(join(folder, 'meta.json'))) return [undefined, 'not exported by scripts/rivals.py']
  try {
    return [await Rivals.start(path === '' ? 'shipped' : folder), undefined]
  } catch (error) {
    return [undefined, error instanceof Error ? error.message : String(error)]
  }
}

const MEGABYTE = 2 ** 20

/** All values that the nodes make for one picture, in megabytes. */
function activations(graph: Graph, shapes: Shapes): number {
  const made = prune(graph).nodes.flatMap((n) => n.outputs)
  const elements = made.map((v) => sizeOf((shapes.get(v)?.dims ?? [0]).map((d) => (typeof d === 'number' ? d : 1))))
  return round((4 * elements.reduce((a, n) => a + n, 0)) / MEGABYTE)
}

/** The peaks of processes that do nothing else. */
function memoryOf(path: string, all: number): NetworkResult['memory'] {
  const peak = (what: string): number => {
    const script = fileURLToPath(new URL('peak.ts', import.meta.url))
    const { stdout } = spawnSync(process.execPath, [...process.execArgv, script, path, what], { encoding: 'utf8' })
    return Math.round(Number(stdout.trim()) / MEGABYTE)
  }
  return { forward: peak('forward'), gradient: peak('gradient'), activations: all }
}
