/**
 * ONNX Runtime in Node: `onnxruntime-node` where it is installed (it is an optional dependency), else `onnxruntime-web`'s
 * WebAssembly, which answers the same and is several times slower; whoever asks is told in one line.
 */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common'
import { ExplainError } from '../core/errors.js'
import type { Dim, ModelFile, OptimizationLevel, Runtime, Session, SessionOptions, ValueInfo } from '../core/runtime.js'
import { type DataType, type Tensor, tensor } from '../core/tensor.js'

/** What both packages export. */
interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>
  }
  readonly Tensor: new (type: OrtTensor.Type, data: OrtTensor.DataType, dims: readonly number[]) => OrtTensor
}

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
  const { backend = 'auto', warn } = options
  if (backend !== 'wasm') {
    try {
      const ort = (await import('onnxruntime-node')) as unknown as OrtModule & { readonly env: Versions }
      return runtime(ort, `onnxruntime-node ${ort.env.versions.node ?? ''} (cpu)`, ['cpu'], options)
    } catch (cause) {
      if (backend === 'native')
        throw new ExplainError('no-runtime', { what: 'onnxruntime-node cannot be loaded', remedy: NO_RUNTIME, cause })
      warn?.(
        'onnxruntime-node is not available: running on onnxruntime-web (WebAssembly), which is several times slower.',
      )
    }
  }
  try {
    const ort = (await import('onnxruntime-web/wasm')) as unknown as OrtModule & {
      readonly env: Versions & WasmSettings
    }
    // more threads are fetched as a script, which Node's fetch cannot do from a file; left unset, Node 20 fails asking for their number
    ort.env.wasm.numThreads = 1
    return runtime(ort, `onnxruntime-web ${ort.env.versions.web ?? ''} (wasm)`, ['wasm'], options)
  } catch (cause) {
    throw new ExplainError('no-runtime', { what: 'No ONNX Runtime can be loaded', remedy: NO_RUNTIME, cause })
  }
}

interface WasmSettings {
  readonly wasm: { numThreads?: number }
}

interface Versions {
  readonly versions: { readonly node?: string; readonly web?: string }
}

function runtime(
  ort: OrtModule,
  name: string,
  executionProviders: readonly string[],
  { threads }: RuntimeOptions,
): Runtime {
  return {
    name,
    async createSession(model: ModelFile, options: SessionOptions = {}): Promise<Session> {
      const settings: InferenceSession.SessionOptions = {
        executionProviders,
        graphOptimizationLevel: level(options.optimization),
        logSeverityLevel: 4, // failures are thrown; a probe that fails on purpose must not print
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        externalData: [...model.externalData].map(([path, data]) => ({ path, data })),
      }
      const session = await failing('ONNX Runtime could not load the model', () =>
        ort.InferenceSession.create(model.bytes, settings),
      )
      return wrap(ort, session)
    },
  }
}

function level(wanted: OptimizationLevel | undefined): OptimizationLevel {
  return wanted ?? 'all'
}

async function failing<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    const line = message.trim().replaceAll(/\s+/g, ' ').replace(/\.$/, '')
    throw new ExplainError('runtime-failed', { what: `${what}: ${line}`, cause })
  }
}

function wrap(ort: OrtModule, session: InferenceSession): Session {
  return {
    inputs: session.inputMetadata.map(describeValue),
    outputs: session.outputMetadata.map(describeValue),
    async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
      const given = Object.entries(feeds).map(([name, t]) => [
        name,
        new ort.Tensor(t.type as OrtTensor.Type, t.data, t.dims),
      ])
      const results = await failing('ONNX Runtime failed', () =>
        session.run(Object.fromEntries(given) as InferenceSession.FeedsType),
      )
      return Object.fromEntries(
        Object.entries(results).map(([name, value]) => [name, fromOrt(name, value as OrtTensor)]),
      )
    },
    async release(): Promise<void> {
      await session.release()
    },
  }
}

/** WebAssembly's -1, read as unsigned. */
const UNKNOWN_AXIS = 2 ** 32 - 1

/** ORT gives '' or -1 for an axis that has no name, and a number or a name otherwise. */
function describeValue(meta: InferenceSession.ValueMetadata): ValueInfo {
  if (!meta.isTensor) return { name: meta.name, type: undefined, dims: undefined }
  const dims = meta.shape.map((d): Dim => (d === '' || d === -1 || d === UNKNOWN_AXIS ? null : d))
  return { name: meta.name, type: meta.type as DataType, dims }
}

function fromOrt(name: string, value: OrtTensor): Tensor {
  if (value.type === 'string' || value.type === 'int4' || value.type === 'uint4')
    throw new ExplainError('runtime-failed', {
      what: `Output "${name}" holds ${value.type} elements, which cannot be read`,
    })
  // Node 24 gives float16 as Float16Array: its bits are what is kept
  const { data } = value
  const bits = value.type === 'float16' && !(data instanceof Uint16Array)
  const view =
    bits && ArrayBuffer.isView(data) ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data
  return tensor(value.type as DataType, value.dims, view as Tensor['data'])
}
