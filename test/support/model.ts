/** Small models made in tests: protobuf bytes as an exporter would write them, read back by `decode`. */
import { create, toBinary } from '@bufbuild/protobuf'
import { type GraphProto, GraphProtoSchema, ModelProtoSchema, NodeProtoSchema, type ValueInfoProto } from 'onnx-buf'
import type { Tensor } from '../../src/core/tensor.js'
import { type AttributeValue, attribute } from '../../src/onnx/attributes.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { writeTensor } from '../../src/onnx/tensors.js'

/** The newest opset that ONNX Runtime 1.30 runs. */
export const NEWEST_OPSET = 26

export interface NodeSpec {
  readonly op: string
  readonly domain?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, AttributeValue>>
}

export interface ModelSpec {
  readonly opset: number
  readonly nodes: readonly NodeSpec[]
  readonly inputs: readonly ValueInfoProto[]
  readonly outputs: readonly ValueInfoProto[]
  readonly initializers?: Readonly<Record<string, Tensor>>
}

export function modelBytes(spec: ModelSpec): Uint8Array {
  const domains = new Set(spec.nodes.flatMap((n) => (n.domain ? [n.domain] : [])))
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [
        { domain: '', version: BigInt(spec.opset) },
        ...[...domains].map((domain) => ({ domain, version: 1n })),
      ],
      graph: graphProto('test', spec),
    }),
  )
}

/** A graph inside a node: the branch of an If, the body of a Loop or a Scan. */
export function graphProto(name: string, spec: Omit<ModelSpec, 'opset'>): GraphProto {
  return create(GraphProtoSchema, {
    name,
    node: spec.nodes.map((n) =>
      create(NodeProtoSchema, {
        opType: n.op,
        domain: n.domain ?? '',
        name: `${n.op}_${n.outputs[0]}`,
        input: [...n.inputs],
        output: [...n.outputs],
        attribute: Object.entries(n.attributes ?? {}).map(([key, value]) => attribute(key, value)),
      }),
    ),
    input: [...spec.inputs],
    output: [...spec.outputs],
    initializer: Object.entries(spec.initializers ?? {}).map(([key, t]) => writeTensor(key, t)),
  })
}

export function model(spec: ModelSpec): Graph {
  return decode(modelBytes(spec))
}
