/** Bytes to graph. Weights stay views into the bytes. */
import { fromBinary } from '@bufbuild/protobuf'
import { type ModelProto, ModelProtoSchema, type NodeProto } from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import { Graph, type Node } from './ir.js'
import { type ExternalData, externalReference } from './tensors.js'

export interface DecodeOptions {
  /** Contents of external data files by `location`; see {@link externalLocations}. */
  readonly externalData?: ExternalData
  /** What the bytes are called in error messages. */
  readonly name?: string
}

/**
 * Reads an ONNX model.
 *
 * Initialisers that are also listed as inputs (as IR version 3 demands) are taken off the inputs: they are constants here.
 * Throws `invalid-model` for anything that is not a whole ONNX model.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): Graph {
  const where = options.name === undefined ? {} : { where: options.name }
  const bad = (what: string, cause?: unknown): ExplainError =>
    new ExplainError('invalid-model', {
      what,
      ...where,
      remedy: 'Give a whole .onnx file; it may have been cut short, or be a text page saved in its place.',
      cause,
    })
  if (bytes.byteLength === 0) throw bad('The model file is empty')
  let model: ModelProto
  try {
    model = fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw bad('This is not an ONNX model, or it is cut short', cause)
  }
  const proto = model.graph
  if (!proto || (proto.node.length === 0 && proto.output.length === 0) || model.opsetImport.length === 0)
    throw bad('This file holds no ONNX graph')
  const initializers = new Map(proto.initializer.map((t) => [t.name, t]))
  return new Graph({
    nodes: proto.node.map(toNode),
    inputs: proto.input.filter((i) => !initializers.has(i.name)),
    outputs: proto.output,
    initializers,
    valueInfo: proto.valueInfo,
    opsets: new Map(model.opsetImport.map((o) => [canonicalDomain(o.domain), Number(o.version)])),
    irVersion: Number(model.irVersion),
    metadata: new Map(),
    origin: model,
    sources: [bytes],
    externalData: options.externalData ?? new Map(),
  })
}

/** ONNX's own domain has two spellings. */
export function canonicalDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain
}

/** A node as the file has it. */
export function toNode(proto: NodeProto): Node {
  return {
    op: proto.opType,
    domain: canonicalDomain(proto.domain),
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes: new Map(proto.attribute.map((a) => [a.name, a])),
    origin: proto,
  }
}

/** The external data files that a model points into, by the `location` it names them with. */
export function externalLocations(graph: Graph): string[] {
  const references = [...graph.initializers.values()].map(externalReference)
  return [...new Set(references.flatMap((r) => (r ? [r.location] : [])))]
}
