/**
 * ONNX Runtime's JavaScript API as a {@link Runtime}, whichever of its packages is handed in: `onnxruntime-node`, or one of the builds of
 * `onnxruntime-web`.
 */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common'
import { ExplainError } from '../core/errors.js'
import type { Dim, Lack, ModelFile, Runtime, Session, SessionOptions, ValueInfo } from '../core/runtime.js'
import { type DataType, type Tensor, tensor } from '../core/tensor.js'

/** What all of ONNX Runtime's packages export. */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>
  }
  readonly Tensor: new (type: OrtTensor.Type, data: OrtTensor.DataType, dims: readonly number[]) => OrtTensor
  readonly env: { readonly versions: { readonly node?: string; readonly web?: string } }
}

/** How a package is used. */
export interface OrtSettings {
  /** For people and provenance. */
  readonly name: string
  /** In order of preference: `cpu`, `wasm`, `webgpu`. */
  readonly executionProviders: readonly string[]
  /** What the first provider has no kernel for. Default: nothing. */
  readonly lacks?: readonly Lack[]
  /** Threads of one operator, where a session decides that. Default: as many as ORT chooses. */
  readonly threads?: number | undefined
  /** Does work with ORT when its turn has come. Default: at once. */
  readonly turn?: <T>(work: () => Promise<T>) => Promise<T>
}

/** A runtime on one of ONNX Runtime's packages. */
export function runtimeOn(ort: OrtModule, settings: OrtSettings): Runtime {
  const { name, executionProviders, lacks = [], threads, turn = atOnce } = settings
  return {
    name,
    lacks,
    async createSession(model: ModelFile, options: SessionOptions = {}): Promise<Session> {
      const sessionOptions: InferenceSession.SessionOptions = {
        executionProviders,
        graphOptimizationLevel: options.optimization ?? 'all',
        // a model has several sessions, whose threads would go on looking for work after a run and take the cores from the next session's
        extra: {
          session: { force_spinning_stop: '1', ...(options.packed === false ? { disable_prepacking: '1' } : {}) },
        },
        logSeverityLevel: 4, // failures are thrown; a probe that fails on purpose must not print
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        externalData: [...model.externalData].map(([path, data]) => ({ path, data })),
      }
      const session = await failing('ONNX Runtime could not load the model', () =>
        turn(() => ort.InferenceSession.create(model.bytes, sessionOptions)),
      )
      return wrap(ort, session, turn)
    },
  }
}

function atOnce<T>(work: () => Promise<T>): Promise<T> {
  return work()
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

function wrap(ort: OrtModule, session: InferenceSession, turn: NonNullable<OrtSettings['turn']>): Session {
  return {
    inputs: session.inputMetadata.map(describeValue),
    outputs: session.outputMetadata.map(describeValue),
    async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
      const given = Object.entries(feeds).map(([name, t]) => [
        name,
        new ort.Tensor(t.type as OrtTensor.Type, t.data, t.dims),
      ])
      const results = await failing('ONNX Runtime failed', () =>
        turn(() => session.run(Object.fromEntries(given) as InferenceSession.FeedsType)),
      )
      return Object.fromEntries(
        Object.entries(results).map(([name, value]) => [name, fromOrt(name, value as OrtTensor)]),
      )
    },
    async release(): Promise<void> {
      await turn(() => session.release())
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
