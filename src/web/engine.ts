/** ONNX Runtime's WebAssembly and WebGPU in a worker. */
import { ExplainError } from '../core/errors.js'
import { LACKS } from '../core/runtime.js'
import { type OrtModule, runtimeOn } from '../ort/runtime.js'
import type { RuntimeSettings } from './protocol.js'
import type { Engine } from './serve.js'
import { turns } from './turns.js'
import { wake } from './wake.js'

/** The part of onnxruntime-web that is set up before it starts. */
export interface WebOrt extends OrtModule {
  readonly env: OrtModule['env'] & {
    readonly wasm: { numThreads?: number; wasmPaths?: string | { mjs?: string; wasm?: string } }
  }
}

export interface EngineFiles {
  readonly mjs: string
  readonly wasm: string
}

/** One picture a run on the processor; a GPU is idle between small runs. */
const BATCH = { wasm: 1, webgpu: 8 } as const

/** Threads beyond this number add little, and each takes memory. */
const MOST_THREADS = 8

/** Starts ONNX Runtime. `files`: where its own files are, unless the settings say otherwise. Rejects with `no-runtime`. */
export async function startEngine(
  ort: WebOrt,
  backend: 'wasm' | 'webgpu',
  files: EngineFiles,
  settings: RuntimeSettings,
): Promise<Engine> {
  if (backend === 'webgpu' && !(await hasAdapter()))
    throw new ExplainError('no-runtime', {
      what: 'This browser gives no WebGPU adapter',
      remedy: "Open the model with backend 'wasm', or 'auto'.",
    })
  const threads = threadsOf(settings.threads)
  ort.env.wasm.numThreads = threads
  ort.env.wasm.wasmPaths = settings.files === undefined ? files : settings.files
  const turn = turns()
  const version = ort.env.versions.web ?? ''
  const wasm = runtimeOn(ort, {
    name: `onnxruntime-web ${version} (wasm x${threads})`,
    executionProviders: ['wasm'],
    turn,
  })
  await wake(wasm)
  if (backend === 'wasm') return { runtime: wasm, threads, trusted: undefined, batch: BATCH.wasm, turn }
  const name = `onnxruntime-web ${version} (webgpu)`
  const runtime = runtimeOn(ort, { name, executionProviders: ['webgpu'], lacks: LACKS, turn })
  return { runtime, threads, trusted: wasm, batch: BATCH.webgpu, turn }
}

/** Threads share memory, which a page has only where its headers isolate it; half of the logical cores are cores. */
function threadsOf(wanted: number | undefined): number {
  if (!globalThis.crossOriginIsolated) return 1
  const cores = globalThis.navigator.hardwareConcurrency || 1
  return wanted ?? Math.min(MOST_THREADS, Math.max(Math.min(2, cores), Math.ceil(cores / 2)))
}

async function hasAdapter(): Promise<boolean> {
  const { gpu } = globalThis.navigator as { readonly gpu?: { requestAdapter(): Promise<unknown> } }
  return gpu !== undefined && (await gpu.requestAdapter().catch(() => null)) !== null
}
