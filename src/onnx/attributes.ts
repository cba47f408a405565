/** Reading and making node attributes. Integers are plain numbers here; ONNX's int64 fits wherever ORT runs. */
import { create } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type TensorProto,
} from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import { whole } from '../core/tensor.js'

export type Attributes = ReadonlyMap<string, AttributeProto>

/** Anything that carries attributes: a node. */
interface Carrier {
  readonly op: string
  readonly name: string
  readonly attributes: Attributes
}

function find(node: Carrier, name: string, type: AttributeType): AttributeProto | undefined {
  const found = node.attributes.get(name)
  if (found && found.type !== type)
    throw new ExplainError('invalid-model', {
      what: `Attribute ${name} of ${node.op} has type ${AttributeType[found.type]}, expected ${AttributeType[type]}`,
      where: `node "${node.name}"`,
    })
  return found
}

export function intOf<D>(node: Carrier, name: string, otherwise: D): number | D {
  const found = find(node, name, AttributeType.INT)
  return found ? Number(found.i) : otherwise
}

export function floatOf(node: Carrier, name: string, otherwise: number): number {
  return find(node, name, AttributeType.FLOAT)?.f ?? otherwise
}

export function stringOf(node: Carrier, name: string, otherwise: string): string {
  const found = find(node, name, AttributeType.STRING)
  return found ? new TextDecoder().decode(found.s) : otherwise
}

export function intsOf<D>(node: Carrier, name: string, otherwise: D): readonly number[] | D {
  const found = find(node, name, AttributeType.INTS)
  return found ? found.ints.map(Number) : otherwise
}

export function floatsOf<D>(node: Carrier, name: string, otherwise: D): readonly number[] | D {
  return find(node, name, AttributeType.FLOATS)?.floats ?? otherwise
}

export function stringsOf<D>(node: Carrier, name: string, otherwise: D): readonly string[] | D {
  const found = find(node, name, AttributeType.STRINGS)
  return found ? found.strings.map((s) => new TextDecoder().decode(s)) : otherwise
}

export function tensorOf(node: Carrier, name: string): TensorProto | undefined {
  return find(node, name, AttributeType.TENSOR)?.t
}

/** The graphs that a node carries (`If`, `Loop`, `Scan`). */
export function graphsOf(node: Carrier): readonly GraphProto[] {
  return [...node.attributes.values()].flatMap((a) => [...(a.g ? [a.g] : []), ...a.graphs])
}

/** Marks a number as a float attribute; bare numbers are integers. */
export interface FloatAttribute {
  readonly float: number | readonly number[]
}

export function float(value: number | readonly number[]): FloatAttribute {
  return { float: value }
}

/** A list of strings as an attribute. */
export interface StringsAttribute {
  readonly strings: readonly string[]
}

/** What a new attribute can be made from. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | FloatAttribute
  | StringsAttribute
  | TensorProto
  | GraphProto

export function attribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: whole(value) })
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) })
  if ('float' in value)
    return typeof value.float === 'number'
      ? create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float })
      : create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...value.float] })
  if ('strings' in value) {
    const strings = value.strings.map((s) => new TextEncoder().encode(s))
    return create(AttributeProtoSchema, { name, type: AttributeType.STRINGS, strings })
  }
  if ('$typeName' in value)
    return value.$typeName === 'onnx.GraphProto'
      ? create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: value })
      : create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: value })
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(whole) })
}

export function attributes(values: Readonly<Record<string, AttributeValue>>): Attributes {
  return new Map(Object.entries(values).map(([name, value]) => [name, attribute(name, value)]))
}
