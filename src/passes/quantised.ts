/**
 * Quantised values to the real numbers that they stand for. Requires: the form of opset 18 or newer, floats of float32 (widen.ts).
 * Guarantees: no operator computes with quantised whole numbers but `QuantizeLinear` (or `DynamicQuantizeLinear`) with a
 * `DequantizeLinear` of the same scale and zero point right behind it, through which gradients pass straight (vjp/rules/quantised.ts);
 * the same answers up to rounding; the same value names, where a value that was quantised is now the float32 value that it stood for. Whole
 * numbers remain where the model gives or stores them: graph outputs, weights, what subgraphs and other operators read.
 *
 * A model in QDQ form is left as it is. Inputs of bytes with four axes are pictures and become float32 (borders.ts gives them their type
 * again). Operators on whole numbers (quantised/operators.ts) become operators on real ones; operators
 * that only move or choose elements work on real numbers as they are.
 */
import { TensorProto_DataType as ProtoType } from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import { attributes, intOf, stringOf } from '../onnx/attributes.js'
import { Builder, declare } from '../onnx/builder.js'
import { type Graph, type Node, operatorName, reads } from '../onnx/ir.js'
import { valueInfo as declared } from '../onnx/shapes.js'
import { dataType, protoType } from '../onnx/tensors.js'
import { sorted } from './prune.js'
import { REAL_FORMS, type RealForm, type RealReader } from './quantised/operators.js'
import { isPerTensor, linear, perTensor, type Quantisation, quantisationOf, same } from './quantised/quantisation.js'

/** Operators that move, repeat or choose elements: the positions of the inputs that hold these. */
const MOVES: Readonly<Record<string, readonly number[] | 'all'>> = {
  Clip: [0, 1, 2],
  Concat: 'all',
  DepthToSpace: [0],
  Expand: [0],
  Flatten: [0],
  Gather: [0],
  GatherElements: [0],
  GatherND: [0],
  Identity: [0],
  Max: 'all',
  MaxPool: [0],
  Min: 'all',
  Pad: [0, 2],
  ReduceMax: [0],
  ReduceMin: [0],
  Reshape: [0],
  Resize: [0],
  ScatterElements: [0, 2],
  ScatterND: [0, 2],
  Slice: [0],
  SpaceToDepth: [0],
  Split: 'all',
  Squeeze: [0],
  Tile: [0],
  Transpose: [0],
  Unsqueeze: [0],
  Where: [1, 2],
}

/** A value that stood for real numbers: they, and what they were. */
interface Quantised {
  /** The float32 value. */
  readonly real: string
  readonly by: Quantisation
  /** The element type of the whole numbers; undefined: that of the zero point, or uint8. */
  readonly type: number | undefined
  /** The whole numbers themselves, where they are there. */
  readonly whole: string | undefined
}

/** What becomes of the operators on whole numbers. */
export const ON_REAL_NUMBERS: Readonly<Record<string, string>> = Object.fromEntries(
  [...Object.keys(REAL_FORMS), 'ConvInteger', 'MatMulInteger'].map((op) => [op, 'computed on the real numbers']),
)

export function quantised(graph: Graph): Graph {
  const isForeign = (node: Node): boolean => formOf(node) !== undefined || isQuantizer(node) || isIntegerProduct(node)
  const isPicture = (i: Graph['inputs'][number]): boolean => graph.outer === undefined && isBytePicture(i)
  if (!graph.inputs.some(isPicture) && !graph.nodes.some(isForeign)) return graph
  const reals = new Reals(graph)
  const inputs = graph.inputs.map((i) => (isPicture(i) ? reals.input(i) : i))
  for (const node of sorted(graph)) reals.rewrite(node)
  const { initializers } = reals.b.finish()
  // what the file says of their types no longer holds
  const valueInfo = graph.valueInfo.filter((v) => !reals.changed(v.name))
  return graph.with({ inputs, nodes: reals.b.nodes, initializers, valueInfo })
}

class Reals {
  readonly b: Builder
  readonly #quantised = new Map<string, Quantised>()
  readonly #reader: RealReader
  /** Values whose name must go on meaning whole numbers. */
  readonly #pinned: ReadonlySet<string>

  constructor(readonly source: Graph) {
    this.b = new Builder(source)
    this.#reader = { b: this.b, read: (...given) => this.#read(...given) }
    const captured = source.nodes.flatMap((n) => [...reads(n)].filter((name) => !n.inputs.includes(name)))
    this.#pinned = new Set([...source.outputs.map((o) => o.name), ...captured])
  }

  /** A picture of bytes: they are real numbers from the start. Returns its declaration. */
  input(proto: Graph['inputs'][number]): Graph['inputs'][number] {
    const { name, type = 'uint8', dims } = declared(proto)
    this.#keep(name, { real: name, by: perTensor('', ''), type: protoType(type), whole: undefined })
    return declare(name, 'float32', dims)
  }

  /** True where the name means another value than it did. */
  changed(value: string): boolean {
    return this.#quantised.get(value)?.real === value
  }

  rewrite(n: Node): void {
    this.b.scope(n.name || n.outputs[0] || n.op, () => this.#rewrite(n))
  }

  #rewrite(n: Node): void {
    const [x = ''] = n.inputs
    const form = formOf(n)
    const data = this.#dataOf(n)
    const isKnown = this.#quantised.has(x)
    const to = n.op === 'Cast' ? intOf(n, 'to', 0) : 0
    if (form) this.#give(n, form(n, this.#reader))
    else if (isIntegerProduct(n)) this.#product(n)
    else if (isQuantizer(n)) this.#quantize(n)
    else if (data) this.#move(n, data)
    else if (isKnown && operatorIs(n, 'DequantizeLinear')) this.#name(this.#readAs(x, quantisationOf(n)), n)
    else if (isKnown && isFloat(to)) this.#name(this.b.op('Cast', [this.#numbers(x, '')], { to }), n)
    else this.b.emit({ ...n, inputs: n.inputs.map((i) => this.#whole(i)) })
  }

  #read(value: string, scale: string, zeroPoint: string, axis?: number): string {
    const by = perTensor(scale, zeroPoint)
    return this.#readAs(value, axis === undefined ? by : { ...by, attributes: attributes({ axis }) })
  }

  /** The real numbers that `value` stands for by another quantisation than, perhaps, its own. */
  #readAs(value: string, by: Quantisation): string {
    const known = this.#quantised.get(value)
    if (!known) return by.scale === '' ? this.#cast(value) : linear(this.b, 'DequantizeLinear', value, by)
    if (same(this.source, known.by, by)) return known.real
    this.#requirePerTensor(by, value)
    const numbers = this.#numbers(value, by.zeroPoint)
    return by.scale === '' ? numbers : this.b.op('Mul', [numbers, by.scale])
  }

  /** The whole numbers behind `value`, less a zero point, as float32. */
  #numbers(value: string, zeroPoint: string): string {
    const known = this.#quantised.get(value)
    if (!known) {
      const wide = this.#cast(value)
      return zeroPoint === '' ? wide : this.b.op('Sub', [wide, this.#cast(zeroPoint)])
    }
    this.#requirePerTensor(known.by, value)
    const own = known.by.scale === '' ? known.real : this.b.op('Div', [known.real, known.by.scale])
    if (same(this.source, perTensor('', known.by.zeroPoint), perTensor('', zeroPoint))) return own
    const plus = known.by.zeroPoint === '' ? own : this.b.op('Add', [own, this.#cast(known.by.zeroPoint)])
    return zeroPoint === '' ? plus : this.b.op('Sub', [plus, this.#cast(zeroPoint)])
  }

  #cast(value: string): string {
    return this.b.op('Cast', [value], { to: protoType('float32') })
  }

  /** The whole numbers of a value, for operators that want them: no gradient passes there. */
  #whole(value: string): string {
    const known = this.#quantised.get(value)
    if (!known) return value
    if (known.whole !== undefined) return known.whole
    if (known.by.scale !== '') return linear(this.b, 'QuantizeLinear', known.real, known.by)
    return this.b.op('Cast', [this.b.op('Round', [known.real])], { to: known.type ?? ProtoType.UINT8 })
  }

  #requirePerTensor(by: Quantisation, value: string): void {
    if (isPerTensor(this.source, by)) return
    throw new ExplainError('unsupported-operator', {
      what: `"${value}" is quantised with several scales, and is read otherwise than by DequantizeLinear with the same`,
      remedy: 'Methods that need no gradient still work on the model before it was quantised.',
    })
  }

  /** `QuantizeLinear`, `DynamicQuantizeLinear`: left as they are where only `DequantizeLinear` reads them. */
  #quantize(n: Node): void {
    const [y = '', scale = '', zeroPoint = ''] = n.outputs
    const by = n.op === 'DynamicQuantizeLinear' ? perTensor(scale, zeroPoint) : quantisationOf(n)
    const readers = this.source.consumers(y)
    const undone = (r: Node): boolean =>
      operatorIs(r, 'DequantizeLinear') && r.inputs[0] === y && same(this.source, quantisationOf(r), by)
    if (this.#pinned.has(y) || readers.every(undone)) {
      this.b.emit(n)
      if (readers.every(undone)) return
      this.#keep(y, { real: linear(this.b, 'DequantizeLinear', y, by), by, type: undefined, whole: y })
      return
    }
    const whole = this.b.fresh(n.op)
    this.b.emit({ ...n, outputs: [whole, ...n.outputs.slice(1)] })
    this.#keep(y, { real: linear(this.b, 'DequantizeLinear', whole, by, y), by, type: undefined, whole })
  }

  /** The result of an operator's real form, rounded as the operator rounds it. */
  #give(n: Node, result: ReturnType<RealForm>): void {
    const [y = ''] = n.outputs
    if (result.scale === undefined) {
      this.#name(result.value, n)
      return
    }
    const by = perTensor(result.scale, result.zeroPoint ?? '')
    const pinned = this.#pinned.has(y)
    const whole = linear(this.b, 'QuantizeLinear', result.value, by, pinned ? y : undefined)
    const real = linear(this.b, 'DequantizeLinear', whole, by, pinned ? undefined : y)
    this.#keep(y, { real, by, type: undefined, whole })
  }

  /** `ConvInteger` and `MatMulInteger` count in int32, which float32 holds exactly up to 2^24 and to 24 bits beyond. */
  #product(n: Node): void {
    const [x = '', w = '', xZero = '', wZero = ''] = n.inputs
    const op = n.op === 'ConvInteger' ? 'Conv' : 'MatMul'
    const value = this.b.fresh(op)
    const inputs = [this.#numbers(x, this.#aligned(n, xZero, 0)), this.#numbers(w, this.#aligned(n, wZero, 1))]
    this.b.emit({ ...n, op, name: value, inputs, outputs: [value] })
    this.#settle(n, 0, value, { by: perTensor('', ''), type: ProtoType.INT32 })
  }

  /** Zero points of the channels of a kernel, or of the rows of a first matrix, as a shape that broadcasts. */
  #aligned(n: Node, zeroPoint: string, input: 0 | 1): string {
    const size = this.source.constant(zeroPoint)?.data.length ?? 1
    if (size === 1) return zeroPoint
    const axes = n.op === 'ConvInteger' ? [1, 2, 3] : input === 0 ? [1] : undefined
    return axes ? this.b.op('Unsqueeze', [zeroPoint, this.b.int64s(axes)]) : zeroPoint
  }

  /** The inputs of a moving operator that hold its elements, if one of them is quantised. */
  #dataOf(n: Node): readonly number[] | undefined {
    const positions = n.domain === '' && Object.hasOwn(MOVES, n.op) ? MOVES[n.op] : undefined
    const data = positions === 'all' ? [...n.inputs.keys()] : positions
    return data?.some((i) => this.#quantised.has(n.inputs[i] ?? '')) ? data : undefined
  }

  #move(n: Node, data: readonly number[]): void {
    const first = data.flatMap((i) => this.#quantised.get(n.inputs[i] ?? '') ?? [])[0]
    if (!first) return
    const { by, type } = first
    this.#requirePerTensor(by, n.inputs[data[0] ?? 0] ?? '')
    const inputs = [...n.inputs]
    for (const i of data) if (inputs[i]) inputs[i] = this.#readAs(inputs[i], by)
    // Pad fills with the number 0, which is not what stands for 0
    if (n.op === 'Pad' && !inputs[2] && by.zeroPoint !== '') {
      while (inputs.length < 2) inputs.push('')
      inputs[2] = this.#padding(by)
    }
    const made = n.outputs.map((y) => (y === '' ? '' : this.b.fresh(n.op)))
    this.b.emit({ ...n, inputs, outputs: made })
    const blends = n.op === 'Resize' && stringOf(n, 'mode', 'nearest') !== 'nearest'
    for (const [i, value] of made.entries()) {
      if (value === '') continue
      if (i > 0 && n.op !== 'Split') this.#alias(value, n.outputs[i] ?? '')
      else if (blends && by.scale !== '') this.#give(n, { value, scale: by.scale, zeroPoint: by.zeroPoint })
      else this.#settle(n, i, value, { by, type })
    }
  }

  /** The real number for which the whole number 0 stands. */
  #padding(by: Quantisation): string {
    const zero = this.b.op('Neg', [this.#cast(by.zeroPoint)])
    const scaled = by.scale === '' ? zero : this.b.op('Mul', [zero, by.scale])
    return this.b.op('Squeeze', [scaled])
  }

  /** Output `index` of a node is now the real value `made`. */
  #settle(n: Node, index: number, made: string, as: Pick<Quantised, 'by' | 'type'>): void {
    const y = n.outputs[index] ?? ''
    const pinned = this.#pinned.has(y)
    if (!pinned) this.#alias(made, y)
    this.#keep(y, { ...as, real: pinned ? made : y, whole: undefined })
    if (!pinned) return
    this.#alias(this.#whole(y), y)
    this.#keep(y, { ...as, real: made, whole: y })
  }

  #keep(value: string, as: Quantised): void {
    this.#quantised.set(value, as)
  }

  /** Gives the node's first output its name. */
  #name(value: string, n: Node): void {
    this.#alias(value, n.outputs[0] ?? '')
  }

  #alias(value: string, name: string): void {
    this.b.emit(node('Identity', this.b.fresh('Identity'), [value], [name]))
  }
}

function node(
  op: string,
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  values: Parameters<typeof attributes>[0] = {},
): Node {
  return { op, domain: '', name, inputs, outputs, attributes: attributes(values) }
}

function formOf(n: Node): RealForm | undefined {
  const table: Readonly<Record<string, RealForm>> = REAL_FORMS
  const name = operatorName(n)
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/** ONNX Runtime has the same operators in its own domain, for types that ONNX came to later. */
function operatorIs(n: Node, op: string): boolean {
  return n.op === op && (n.domain === '' || n.domain === 'com.microsoft')
}

function isQuantizer(n: Node): boolean {
  return operatorIs(n, 'QuantizeLinear') || operatorIs(n, 'DynamicQuantizeLinear')
}

function isIntegerProduct(n: Node): boolean {
  return n.domain === '' && (n.op === 'ConvInteger' || n.op === 'MatMulInteger')
}

function isFloat(type: number): boolean {
  return dataType(type)?.startsWith('float') ?? false
}

/** Inputs of bytes with four axes are pictures. */
function isBytePicture(input: Graph['inputs'][number]): boolean {
  const { type, dims } = declared(input)
  return (type === 'uint8' || type === 'int8') && dims?.length === 4
}
