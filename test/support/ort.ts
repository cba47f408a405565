/** ONNX Runtime's native build as the `Runtime` that the tests run on. */
import * as ort from 'onnxruntime-node'
import { ExplainError } from '../../src/core/errors.js'
import type { Dim, ModelFile, Runtime, Session, SessionOptions, ValueInfo } from '../../src/core/runtime.js'
import { type DataType, type DataTypes, type Tensor, zeros } from '../../src/core/tensor.js'

/** One thread: the tests' models are too small to share out. */
export const runtime: Runtime = {
  name: `onnxruntime-node ${ort.env.versions.common}`,
  async createSession(model: ModelFile, options: SessionOptions = {}): Promise<Session> {
    const session = await told(() =>
      ort.InferenceSession.create(model.bytes, {
        graphOptimizationLevel: options.optimization ?? 'all',
        intraOpNumThreads: 1,
        logSeverityLevel: 4,
        externalData: [...model.externalData].map(([path, data]) => ({ path, data })),
      }),
    )
    return {
      inputs: session.inputMetadata.map(info),
      outputs: session.outputMetadata.map(info),
      run: async (feeds) => {
        const given = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, toOrt(t)]))
        const out = await told(() => session.run(given))
        return Object.fromEntries(Object.entries(out).map(([name, t]) => [name, fromOrt(t)]))
      },
      release: () => session.release(),
    }
  },
}

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new ExplainError('runtime-failed', { what: cause instanceof Error ? cause.message : String(cause), cause })
  }
}

function info(meta: ort.InferenceSession.ValueMetadata): ValueInfo {
  if (!meta.isTensor) return { name: meta.name, type: undefined, dims: undefined }
  const dims = meta.shape.map((d): Dim => (d === '' || (typeof d === 'number' && d < 0) ? null : d))
  return { name: meta.name, type: isDataType(meta.type) ? meta.type : undefined, dims }
}

function isDataType(type: string): type is DataType {
  try {
    zeros(type as DataType, 0)
    return true
  } catch {
    return false
  }
}

function toOrt(t: Tensor): ort.Tensor {
  if (t.type === 'bfloat16') throw new ExplainError('invalid-tensor', { what: 'ORT takes no bfloat16 tensors' })
  return new ort.Tensor(t.type, t.data as never, t.dims)
}

function fromOrt(t: ort.Tensor): Tensor {
  if (!isDataType(t.type)) throw new ExplainError('invalid-tensor', { what: `ORT gave a tensor of ${t.type}` })
  return { type: t.type, dims: t.dims, data: t.data as DataTypes[DataType] }
}
