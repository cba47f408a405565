/**
 * Where a run's time goes, by ONNX Runtime's own profiler: milliseconds an operator, summed over the nodes. A session is made for it, with the
 * options that `src/ort` sets; the profiler writes a file, which is read and removed.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import type { ModelFile } from '../src/core/runtime.js'
import type { Tensor } from '../src/core/tensor.js'

const WARM_UP = 2

/** One operator's share of a run. */
export interface OperatorTime {
  readonly op: string
  /** Milliseconds a run, all its nodes together. */
  readonly ms: number
  readonly nodes: number
}

/** One node's share of a run. */
export interface NodeTime {
  readonly name: string
  readonly op: string
  readonly ms: number
  /** Shapes of its outputs. */
  readonly shapes: string
}

interface Event {
  readonly cat: string
  readonly name: string
  readonly dur: number
  readonly ts: number
  readonly args?: {
    readonly op_name?: string
    readonly output_type_shape?: readonly Record<string, readonly number[]>[]
  }
}

/** The nodes, slowest first. */
export async function profileNodes(
  file: ModelFile,
  feeds: Readonly<Record<string, Tensor>>,
  runs = 15,
  threads?: number,
): Promise<readonly NodeTime[]> {
  const prefix = `onnxplain-profile-${process.pid}-${Date.now()}`
  const session = await InferenceSession.create(file.bytes, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    extra: { session: { force_spinning_stop: '1' } },
    logSeverityLevel: 4,
    externalData: [...file.externalData].map(([path, data]) => ({ path, data })),
    enableProfiling: true,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    profileFilePrefix: join(tmpdir(), prefix),
  })
  const given = Object.entries(feeds).map(([name, t]) => [
    name,
    new OrtTensor(t.type as OrtTensor.Type, t.data as Float32Array, t.dims),
  ])
  for (let i = 0; i < WARM_UP + runs; i++) await session.run(Object.fromEntries(given) as InferenceSession.FeedsType)
  session.endProfiling()
  await session.release()
  const [path = ''] = readdirSync(tmpdir())
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(tmpdir(), name))
  const events: readonly Event[] = JSON.parse(readFileSync(path, 'utf8'))
  rmSync(path)
  return leastOfEach(events)
}

/** Of each node the least time of all runs: what the machine does besides lengthens some of them. */
function leastOfEach(events: readonly Event[]): readonly NodeTime[] {
  const least = new Map<string, NodeTime>()
  for (const e of events) {
    if (e.cat !== 'Node' || !e.name.endsWith('_kernel_time')) continue
    const name = e.name.replace('_kernel_time', '')
    const ms = e.dur / 1000
    if (ms >= (least.get(name)?.ms ?? Number.POSITIVE_INFINITY)) continue
    const shapes = (e.args?.output_type_shape ?? []).map((s) =>
      Object.values(s)
        .map((d) => d.join('x'))
        .join(),
    )
    least.set(name, { name, op: e.args?.op_name ?? '?', ms, shapes: shapes.join(' ') })
  }
  return [...least.values()].sort((a, b) => b.ms - a.ms)
}

/** Summed by operator, slowest first. */
export function byOperator(nodes: readonly NodeTime[]): readonly OperatorTime[] {
  const sums = new Map<string, { ms: number; nodes: number }>()
  for (const { op, ms } of nodes) {
    const sum = sums.get(op) ?? { ms: 0, nodes: 0 }
    sums.set(op, { ms: sum.ms + ms, nodes: sum.nodes + 1 })
  }
  return [...sums].map(([op, sum]) => ({ op, ...sum })).sort((a, b) => b.ms - a.ms)
}
