/** Temporary folders, a tiny classifier, and the errors that promises end in. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import {
  TensorProto_DataLocation as DataLocation,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf'
import { onTestFinished } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { float32 } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { modelBytes } from '../support/model.js'
import { random } from '../support/random.js'

/** An empty folder that is gone after the test. Called outside a test, the caller removes it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onnxplain-test-'))
  try {
    onTestFinished(() => remove(folder))
  } catch {
    // in a hook: there is no test yet
  }
  return folder
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}

/** Writes files by their paths inside a folder; objects as JSON. Returns the folder. */
export function fill(folder: string, files: Readonly<Record<string, Uint8Array | string | object>>): string {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(
      path,
      content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content),
    )
  }
  return folder
}

/** The {@link ExplainError} that work ends in; fails if it ends well, or in another error. */
export async function failureOf(work: Promise<unknown>): Promise<ExplainError> {
  try {
    await work
  } catch (error) {
    if (error instanceof ExplainError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

export const TINY_SIDE = 16
export const TINY_LABELS = ['ant', 'bee', 'cat', 'dog', 'elk']

/** A classifier of 16 x 16 pictures into five classes: convolution, Relu, global average pool, linear. */
export function tinyModel(
  change: { readonly weight?: number; readonly inputDims?: readonly (number | string)[] } = {},
) {
  const rng = random(7)
  const weights = (dims: readonly number[]) =>
    float32(
      dims,
      Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => rng.normal()),
    )
  const kernel = weights([4, 3, 3, 3])
  if (change.weight !== undefined) kernel.data[5] = change.weight
  return modelBytes({
    opset: 17,
    nodes: [
      { op: 'Conv', inputs: ['image', 'kernel'], outputs: ['conv'], attributes: { pads: [1, 1, 1, 1] } },
      { op: 'Relu', inputs: ['conv'], outputs: ['features'] },
      { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      { op: 'Gemm', inputs: ['flat', 'head'], outputs: ['logits'] },
    ],
    inputs: [declare('image', 'float32', change.inputDims ?? ['batch', 3, TINY_SIDE, TINY_SIDE])],
    outputs: [declare('logits', 'float32', ['batch', 5])],
    initializers: { kernel, head: weights([4, 5]) },
  })
}

/** A classifier of eight token ids: it takes no picture. */
export function textModel(): Uint8Array {
  return modelBytes({
    opset: 17,
    nodes: [
      { op: 'Cast', inputs: ['input_ids'], outputs: ['numbers'], attributes: { to: 1 } },
      { op: 'MatMul', inputs: ['numbers', 'head'], outputs: ['logits'] },
    ],
    inputs: [declare('input_ids', 'int64', ['batch', 8])],
    outputs: [declare('logits', 'float32', ['batch', 2])],
    initializers: { head: float32([8, 2]) },
  })
}

/** The tiny model with its kernel in a file of its own. */
export function splitModel(location: string): { readonly model: Uint8Array; readonly kernel: Uint8Array } {
  const { origin } = decode(tinyModel())
  const { graph } = origin
  if (!graph) throw new Error('the tiny model has no graph')
  let kernel = new Uint8Array()
  const initializer = graph.initializer.map((t) => {
    if (t.name !== 'kernel') return t
    kernel = Uint8Array.from(t.rawData)
    return create(TensorProtoSchema, {
      name: t.name,
      dataType: t.dataType,
      dims: t.dims,
      dataLocation: DataLocation.EXTERNAL,
      externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: location })],
    })
  })
  return { model: toBinary(ModelProtoSchema, { ...origin, graph: { ...graph, initializer } }), kernel }
}
