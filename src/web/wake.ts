/** Starts ONNX Runtime, which otherwise fetches and compiles its WebAssembly with the first model, while a model is still on its way. */
import { create, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, TensorProto_DataType } from 'onnx-buf'
import type { Runtime } from '../core/runtime.js'

/** Loads the smallest of models. Rejects with `runtime-failed` where ONNX Runtime cannot be started. */
export async function wake(runtime: Runtime): Promise<void> {
  const value = (name: string) => ({
    name,
    type: {
      value: { case: 'tensorType' as const, value: { elemType: TensorProto_DataType.FLOAT, shape: { dim: [] } } },
    },
  })
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: {
      name: 'wake',
      node: [{ opType: 'Identity', input: ['x'], output: ['y'] }],
      input: [value('x')],
      output: [value('y')],
    },
  })
  const session = await runtime.createSession({ bytes: toBinary(ModelProtoSchema, model), externalData: new Map() })
  await session.release()
}
