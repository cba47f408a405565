/**
 * ONNX Runtime in Node: `onnxruntime-node` where it is installed (it is an optional dependency), else `onnxruntime-web`'s
 * WebAssembly, which answers the same and is several times slower; whoever asks is told in one line.
 */
import { ExplainError } from '../core/errors.js'
import type { Runtime } from '../core/runtime.js'
import { type OrtModule, runtimeOn } from '../ort/runtime.js'

export interface RuntimeOptions {
  /** `auto`: native where it is installed, else WebAssembly. Default: `auto`. */
  readonly backend?: 'auto' | 'native' | 'wasm'
  /** Threads of one operator. Default: as many as ORT chooses, which is best for all but the smallest models; WebAssembly has one. */
  readonly threads?: number
  /** Is told, in one line, when the slower runtime stands in. Default: nothing is said. */
  readonly warn?: (line: string) => void
}

const NO_RUNTIME = 'Install one: npm install onnxruntime-node --onnxruntime-node-install=skip'

/** The runtime of this machine. Rejects with `no-runtime` where neither package can be loaded. */
export async function ortRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { backend = 'auto', threads, warn } = options
  if (backend !== 'wasm') {
    try {
      const ort = (await import('onnxruntime-node')) as unknown as OrtModule
      const name = `onnxruntime-node ${ort.env.versions.node ?? ''} (cpu)`
      return runtimeOn(ort, { name, executionProviders: ['cpu'], threads })
    } catch (cause) {
      if (backend === 'native')
        throw new ExplainError('no-runtime', { what: 'onnxruntime-node cannot be loaded', remedy: NO_RUNTIME, cause })
      warn?.(
        'onnxruntime-node is not available: running on onnxruntime-web (WebAssembly), which is several times slower.',
      )
    }
  }
  try {
    const ort = (await import('onnxruntime-web/wasm')) as unknown as OrtModule & { readonly env: WasmSettings }
    // more threads are fetched as a script, which Node's fetch cannot do from a file; left unset, Node 20 fails asking for their number
    ort.env.wasm.numThreads = 1
    const name = `onnxruntime-web ${ort.env.versions.web ?? ''} (wasm)`
    return runtimeOn(ort, { name, executionProviders: ['wasm'], threads })
  } catch (cause) {
    throw new ExplainError('no-runtime', { what: 'No ONNX Runtime can be loaded', remedy: NO_RUNTIME, cause })
  }
}

interface WasmSettings {
  readonly wasm: { numThreads?: number }
}
