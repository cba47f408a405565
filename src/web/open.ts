/** `open`: the package's front door in the browser. */
import { ExplainError } from '../core/errors.js'
import type { LoadOptions } from '../explain/load.js'
import { Client } from './client.js'
import { WebModel } from './model.js'
import type { LoadProgress } from './protocol.js'
import { absolute, type ModelSource, sentSource } from './source.js'

export interface OpenOptions extends LoadOptions {
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
  const { backend = 'auto', ...rest } = options
  if (backend !== 'auto') return openOn(backend, source, rest)
  if ((await bestBackend()) === 'wasm') return openOn('wasm', source, rest)
  try {
    return await openOn('webgpu', source, rest)
  } catch (error) {
    // whose fault it was is said; a wrong map would not say it
    if (error instanceof ExplainError && error.code === 'runtime-disagrees')
      return openOn('wasm', source, rest, [`${error.what}; it runs on WebAssembly instead.`])
    throw error
  }
}

async function openOn(
  backend: 'wasm' | 'webgpu',
  source: ModelSource | undefined,
  options: Omit<OpenOptions, 'backend'>,
  notes: readonly string[] = [],
): Promise<WebModel> {
  const { threads, runtimeFiles, warn, onProgress, signal, ...load } = options
  const sent = sentSource(source)
  const files = runtimeFiles === undefined ? undefined : absolute(runtimeFiles)
  const client = new Client(startWorker(backend))
  try {
    const runtime = { threads, files }
    const info = await client.call('open', { source: sent, options: load, runtime }, { signal, onProgress })
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
