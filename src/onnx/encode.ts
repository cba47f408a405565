/** Graph to bytes: whole, or as a skeleton whose weights stay where they are. */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  TensorProto_DataLocation as DataLocation,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import type { ModelFile } from '../core/runtime.js'
import type { Graph, Node } from './ir.js'
import { replaced } from './messages.js'
import { externalReference, storedBytes } from './tensors.js'

/** Weights below this size travel inside the skeleton, so that ORT's shape inference can read them. */
const INLINE_BYTES = 1024
/** The name, before its number, under which a skeleton points into bytes it came from. */
const SOURCE_LOCATION = 'onnxplain-source'

/** The graph as one self-contained ONNX file; external data is drawn in. Throws `external-data-missing`. */
export function encode(graph: Graph): Uint8Array {
  const inline = (t: TensorProto): TensorProto => {
    if (!externalReference(t)) return t
    const { buffer, byteOffset, byteLength } = storedBytes(t, graph.externalData)
    const rawData = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
    return replaced(t, { dataLocation: DataLocation.DEFAULT, externalData: [], rawData })
  }
  return toBinary(ModelProtoSchema, toModel(graph, [...graph.initializers.values()].map(inline)))
}

/**
 * The graph as a small file that points into the bytes the weights came from: nothing large is copied or serialised, and
 * ORT loads it many times faster.
 */
export function encodeSkeleton(graph: Graph): ModelFile {
  const externalData = new Map(graph.externalData)
  const detach = (t: TensorProto): TensorProto => {
    if (t.rawData.byteLength < INLINE_BYTES) return t
    const at = graph.sources.findIndex((bytes) => isWithin(t.rawData, bytes))
    const source = graph.sources[at]
    if (!source) return t
    const location = `${SOURCE_LOCATION}-${at}`
    externalData.set(location, source)
    const entries = {
      location,
      offset: t.rawData.byteOffset - source.byteOffset,
      length: t.rawData.byteLength,
    }
    return create(TensorProtoSchema, {
      name: t.name,
      dataType: t.dataType,
      dims: t.dims,
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value: String(value) }),
      ),
    })
  }
  const model = toModel(graph, [...graph.initializers.values()].map(detach))
  return { bytes: toBinary(ModelProtoSchema, model), externalData }
}

/** True for a view into some bytes; files that were read together may lie in one buffer. */
function isWithin(view: Uint8Array, bytes: Uint8Array): boolean {
  const start = view.byteOffset - bytes.byteOffset
  return view.buffer === bytes.buffer && start >= 0 && start + view.byteLength <= bytes.byteLength
}

function toModel(graph: Graph, initializers: readonly TensorProto[]): ModelProto {
  const { origin } = graph
  const kept = origin.metadataProps.filter((e) => !graph.metadata.has(e.key))
  const added = [...graph.metadata].map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }))
  if (!origin.graph) return origin
  return {
    ...origin,
    irVersion: BigInt(graph.irVersion),
    opsetImport: [...graph.opsets].map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    metadataProps: [...kept, ...added],
    graph: {
      ...origin.graph,
      node: graph.nodes.map(toNodeProto),
      input: [...graph.inputs],
      output: [...graph.outputs],
      initializer: [...initializers],
      valueInfo: [...graph.valueInfo],
    },
  }
}

/** A node as the file has it. */
export function toNodeProto(node: Node): NodeProto {
  return {
    ...(node.origin ?? create(NodeProtoSchema)),
    opType: node.op,
    domain: node.domain,
    name: node.name,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: [...node.attributes.values()],
  }
}
