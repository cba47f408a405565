/** `open`: the package's front door in the browser. */
import { ExplainError } from '../core/errors.js'
import type { LoadOptions } from '../explain/load.js'
import { Client } from './client.js'
import { WebModel } from './model.js'
import type { LoadProgress, RuntimeSettings } from './protocol.js'
import { absolute, type ModelSource, sentSource } from './source.js'

/** How ONNX Runtime runs. */
export interface BackendOptions {
  /**
   * `wasm`: WebAssembly on the processor, on as many threads as the page may have; `webgpu`: the graphics card; `auto`: WebGPU where there is a
   * card for it, else WebAssembly. Default: `auto`.
   */
  readonly backend?: 'auto' | 'wasm' | 'webgpu'
  /** Threads of WebAssembly. Default: half of the logical cores, at least 2 and at most 8; always 1 where the page is not isolated by its headers. */
  readonly threads?: number
  /**
   * Address of the folder that holds ONNX Runtime's `ort-wasm-*.mjs` and `.wasm`, ending in `/`. Default: where the bundler put them; without a
   * bundler `onnxruntime-web/` beside onnxplain's own files.
   */
  readonly runtimeFiles?: string | URL
}

export interface OpenOptions extends LoadOptions, BackendOptions {
  /** A worker that {@link warmUp} has started, which the model then takes; its own backend and threads hold. Default: a new one. */
  readonly worker?: WarmWorker | undefined
  /** Is told in one line what had to be assumed. Default: nothing is said. */
  readonly warn?: (line: string) => void
  /** Told while files are read. */
  readonly onProgress?: (progress: LoadProgress) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a model in a worker of its own, so that the page never waits for it. The worker ends with {@link WebModel.dispose}.
 *
 * Rejects with `cannot-read`, `invalid-model`, `external-data-missing`, `unsupported-opset`, `no-image-input`, `runtime-failed`,
 * `no-runtime`, `bad-option`, `aborted`; with backend `webgpu` also with `runtime-disagrees`: when it is opened there, a model's answer is held
 * against that of WebAssembly, and `auto` takes WebAssembly where they differ, and says so in the notes.
 *
 * @example
 * ```ts
 * const model = await open()
 * const result = await model.explain('cat.jpg', { method: 'grad-cam', target: 'espresso' })
 * document.body.append(URL.createObjectURL(await result.toBlob()))
 * ```
 */
export async function open(source?: ModelSource, options: OpenOptions = {}): Promise<WebModel> {
  const { worker, ...rest } = options
  const warm = worker ?? (await startWarm(rest))
  try {
    return await openOn(warm, source, rest)
  } catch (error) {
    // whose fault it was is said; a wrong map would not say it
    const isWrong = error instanceof ExplainError && error.code === 'runtime-disagrees'
    if (!isWrong || (options.backend ?? 'auto') !== 'auto') throw error
    const other = await startWarm({ ...rest, backend: 'wasm' })
    return openOn(other, source, rest, [`${error.what}; it runs on WebAssembly instead.`])
  }
}

/** A worker in which ONNX Runtime is ready, or about to be, for one model. */
export class WarmWorker {
  readonly client: Client
  readonly settings: RuntimeSettings

  constructor(client: Client, settings: RuntimeSettings) {
    this.client = client
    this.settings = settings
  }

  /** Ends the worker, where no model has taken it. */
  dispose(): void {
    this.client.close()
  }
}

/**
 * Starts a worker before there is a model for it, so that `open(source, { worker })` is quicker, and needs nothing from the server any more but
 * the model. Rejects with `no-runtime`, `runtime-failed`.
 */
export async function warmUp(options: BackendOptions = {}): Promise<WarmWorker> {
  const warm = await startWarm(options)
  try {
    await warm.client.call('start', warm.settings)
    return warm
  } catch (error) {
    warm.dispose()
    throw error
  }
}

async function startWarm({ backend = 'auto', threads, runtimeFiles }: BackendOptions): Promise<WarmWorker> {
  const files = runtimeFiles === undefined ? undefined : absolute(runtimeFiles)
  const chosen = backend === 'auto' ? await bestBackend() : backend
  return new WarmWorker(new Client(startWorker(chosen)), { threads, files })
}

async function openOn(
  { client, settings }: WarmWorker,
  source: ModelSource | undefined,
  options: Omit<OpenOptions, 'worker'>,
  notes: readonly string[] = [],
): Promise<WebModel> {
  const { backend: _, threads: __, runtimeFiles: ___, warn, onProgress, signal, ...load } = options
  try {
    const ask = { source: sentSource(source), options: load, runtime: settings }
    const info = await client.call('open', ask, { signal, onProgress })
    const told = { ...info, notes: [...info.notes, ...notes] }
    for (const note of told.notes) warn?.(note)
    return WebModel.over(client, told)
  } catch (error) {
    client.close()
    throw error
  }
}

/** Bundlers see these addresses, and bundle the scripts. */
function startWorker(backend: 'wasm' | 'webgpu'): Worker {
  return backend === 'webgpu'
    ? new Worker(new URL('./worker-webgpu.js', import.meta.url), { type: 'module', name: 'onnxplain' })
    : new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'onnxplain' })
}

/** WebGPU where a graphics card is behind it: one that is computed by the processor is slower than WebAssembly. */
async function bestBackend(): Promise<'wasm' | 'webgpu'> {
  const { gpu } = navigator as Navigator & { readonly gpu?: Gpu }
  const adapter = await gpu?.requestAdapter().catch(() => null)
  return adapter && !adapter.info.isFallbackAdapter && adapter.info.architecture !== 'swiftshader' ? 'webgpu' : 'wasm'
}

interface Gpu {
  requestAdapter(): Promise<{
    readonly info: { readonly isFallbackAdapter?: boolean; readonly architecture: string }
  } | null>
}
