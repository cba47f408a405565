/** The files that scripts/node-tests.py writes. */
import { readFileSync } from 'node:fs'
import { type DataType, sizeOf, type Tensor, tensor, zeros } from '../../src/core/tensor.js'

export interface NodeTest {
  readonly name: string
  /** The operator; with a note where the model is the operator's function body. */
  readonly op: string
  readonly model: Uint8Array
  /** Undefined where the inputs are not tensors of numbers; `cannot` says what they are. */
  readonly feeds: Readonly<Record<string, Tensor>> | undefined
  readonly cannot: string
  /** What the test says that the model answers; undefined where it is not tensors of numbers. */
  readonly outputs: Readonly<Record<string, Tensor>> | undefined
}

interface StoredTensor {
  readonly name: string
  readonly type: DataType
  readonly dims: readonly number[]
  readonly data: string
}

interface Stored {
  readonly name: string
  readonly op: string
  readonly model: string
  readonly cannot?: string
  readonly inputs?: readonly StoredTensor[]
  readonly outputs?: readonly StoredTensor[]
}

function tensors(stored: readonly StoredTensor[] | undefined): Readonly<Record<string, Tensor>> | undefined {
  if (!stored) return undefined
  return Object.fromEntries(
    stored.map(({ name, type, dims, data }) => {
      const array = zeros(type, sizeOf(dims))
      new Uint8Array(array.buffer).set(Buffer.from(data, 'base64'))
      return [name, tensor(type, dims, array)] as const
    }),
  )
}

export function readTest(path: string): NodeTest {
  const stored: Stored = JSON.parse(readFileSync(path, 'utf8'))
  return {
    name: stored.name,
    op: stored.op,
    model: Uint8Array.from(Buffer.from(stored.model, 'base64')),
    feeds: tensors(stored.inputs),
    cannot: stored.cannot ?? '',
    outputs: tensors(stored.outputs),
  }
}
