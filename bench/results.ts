/** What a run of the bench measured, as it is stored in bench/results/speed.json; scripts/docs/performance.ts makes docs/performance.md of it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VERSION } from '../src/explain/index.js'
import type { Spread } from './measure.js'
import type { OcclusionResult } from './occlusion.js'
import type { OperatorTime } from './profile.js'
import type { Measure } from './targets.js'

export const RESULTS = fileURLToPath(new URL('results/speed.json', import.meta.url))

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly node: string
  readonly onnxplain: string
  readonly runtime: string
  readonly date: string
}

export interface NetworkResult {
  readonly name: string
  /** Nodes of the forward pass, and of that with the gradient. */
  readonly nodes: readonly [forward: number, gradient: number]
  readonly runs: number
  /** Processes that wanted a core, over the last minute, when it was measured: above the number of cores figures are disturbed. */
  readonly load: number
  /** Milliseconds by what was run: the plain forward pass, methods, rivals. */
  readonly ms: Readonly<Record<string, Spread>>
  /** By measure; `best` is what is held against the target. */
  readonly measures: Readonly<Partial<Record<Measure, Spread>>>
  /** Megabytes: the peak of a process that runs the forward pass, one that runs the gradient, and all activations of the forward pass. */
  readonly memory: { readonly forward: number; readonly gradient: number; readonly activations: number } | undefined
  /** Occlusion, where it was asked for and anything of it runs on windows. */
  readonly occlusion: OcclusionResult | undefined
  /** Operators of the gradient's run and of the forward pass, slowest first, where they were asked for. */
  readonly profile:
    | { readonly forward: readonly OperatorTime[]; readonly gradient: readonly OperatorTime[] }
    | undefined
  /** Why there are no figures of others. */
  readonly withoutRivals: string | undefined
  readonly versions: Readonly<Record<string, string | number>>
}

export interface CommandResult {
  /** Pictures a second: the forward pass alone, and Grad-CAM. */
  readonly throughput: { readonly forward: number; readonly gradCam: number }
  /** Seconds from the start of the command to its figure without occlusion; undefined where it is not built. */
  readonly coldStart: Spread | undefined
  readonly load: number
}

export interface Results {
  readonly machine: Machine
  readonly networks: readonly NetworkResult[]
  readonly command: CommandResult | undefined
  /** Milliseconds to compile the gradient of a chain of so many nodes. */
  readonly chains: readonly { readonly nodes: number; readonly ms: number }[]
}

export function machine(runtime: string): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? '?',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    onnxplain: VERSION,
    runtime,
    date: new Date().toISOString().slice(0, 10),
  }
}

export function load(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10
}

export function readResults(path = RESULTS): Results | undefined {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/** Networks that were not measured this time keep their figures, where the machine is the same. */
export function writeResults(results: Results, path = RESULTS): void {
  const stored = readResults(path)
  const isSame = (['cpu', 'cores', 'node', 'runtime'] as const).every((k) => stored?.machine[k] === results.machine[k])
  const before = isSame ? stored : undefined
  const measured = new Set(results.networks.map((n) => n.name))
  const kept = before?.networks.filter((n) => !measured.has(n.name)) ?? []
  const all: Results = {
    machine: results.machine,
    networks: [...kept, ...results.networks].sort((a, b) => a.name.localeCompare(b.name)),
    command: results.command ?? before?.command,
    chains: results.chains.length > 0 ? results.chains : (before?.chains ?? []),
  }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(all, null, 1)}\n`)
}
