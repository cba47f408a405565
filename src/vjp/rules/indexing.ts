/** Operators that choose elements by index or cut them out, and those that put elements somewhere. */
import { int64 } from '../../core/tensor.js'
import { intOf, intsOf, stringOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { protoType } from '../../onnx/tensors.js'
import { again } from '../again.js'
import { asMask } from '../masks.js'
import { atTies, defineRules, type Pullback, type Rule, type RuleCall, unary } from '../rule.js'
import { countOf, interleave, padWithZeros, scatterBack, storedInts, zerosLike } from '../scatter.js'

// --- Slice ---------------------------------------------------------------------------------------------------------

/** Where a slice begins on one axis: stored starts by arithmetic, computed ones at run time. Clamped as ONNX has it. */
function beginOf(b: Builder, start: number | string, extent: Extent, step: number): Extent {
  const last = step < 0 ? b.sub(extent, 1) : extent
  if (typeof start === 'string') {
    const wrapped = b.op('Add', [
      start,
      b.op('Where', [b.op('Less', [start, b.int64s([0])]), b.vector([extent]), b.int64s([0])]),
    ])
    return b.op('Min', [b.op('Max', [wrapped, b.int64s([0])]), b.vector([last])])
  }
  const near = Math.max(Math.min(start, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)
  const begin = near < 0 ? b.max(b.add(extent, near), 0) : near
  if (typeof begin === 'number' && typeof last === 'number') return Math.min(begin, last)
  return b.op('Min', [b.vector([begin]), b.vector([last])])
}

/** Steps beyond this go back by a scatter: zeros would be put between one by one. */
const FAR = 64

/**
 * y = x[begin], x[begin + step], ...: the gradient padded with zeros to where it came from, turned around first where a
 * step is negative, with zeros between where one is longer than 1. Ends are not read: the extents of y tell.
 */
function slice(call: RuleCall): string {
  const {
    b,
    node,
    gy,
    x: inputs,
    y: [y = ''],
  } = call
  const [x = '', startsInput = '', , axesInput, stepsInput] = inputs
  const starts = storedInts(b, startsInput)
  const count = starts?.length ?? sizeOf(b, startsInput) ?? storedInts(b, axesInput)?.length
  const each = (value: (i: number) => number): number[] => Array.from({ length: count ?? 0 }, (_, i) => value(i))
  const axes = axesInput ? storedInts(b, axesInput) : each((i) => i)
  const steps = stepsInput ? storedInts(b, stepsInput) : each(() => 1)
  const rank = b.rank(x)
  const strided = steps?.some((s) => Math.abs(s) !== 1)
  const far = steps?.some((s) => Math.abs(s) > FAR)
  if (count === undefined || !axes || !steps || far || (strided && rank === undefined))
    return scatterBack(b, x, gy, (positions) => again(b, node, [positions, ...inputs.slice(1)]))
  const cuts = axes.map((axis, i) => {
    const step = steps[i] ?? 1
    const [extent, length] = [b.extent(x, axis), b.extent(y, axis)]
    const start = starts?.[i] ?? int64At(b, startsInput, i)
    const begin = beginOf(b, start, extent, step)
    // a negative step: the first in memory is the last that was taken
    const first = step > 0 ? begin : b.add(begin, b.mul(b.sub(length, 1), step))
    const end = b.sub(extent, b.add(first, b.mul(length, Math.abs(step))))
    return { axis: axis < 0 ? axis + (rank ?? 0) : axis, step: Math.abs(step), first, end }
  })
  const turned = turn(
    b,
    gy,
    axes.filter((_, i) => (steps[i] ?? 1) < 0),
  )
  const apart = strided ? setApart(b, turned, y, rank ?? 0, cuts) : turned
  return padWithZeros(
    b,
    apart,
    rank,
    axes,
    cuts.map((c) => c.first),
    cuts.map((c) => c.end),
  )
}

/** The length of a vector, where it is known. */
function sizeOf(b: Builder, value: string): number | undefined {
  const [only] = b.dims(value) ?? []
  return typeof only === 'number' ? only : undefined
}

/** One element of an index vector, as an int64 vector of one. */
function int64At(b: Builder, vector: string, index: number): string {
  return b.op('Cast', [b.op('Gather', [vector, b.int64s([index])], { axis: 0 })], { to: 7 })
}

/** `value` with the order along some axes reversed. */
function turn(b: Builder, value: string, axes: readonly number[]): string {
  if (axes.length === 0) return value
  const each = (v: number): string => b.int64s(axes.map(() => v))
  return b.op('Slice', [value, each(-1), each(Number.MIN_SAFE_INTEGER), b.int64s(axes), each(-1)])
}

function setApart(
  b: Builder,
  value: string,
  y: string,
  rank: number,
  cuts: readonly { readonly axis: number; readonly step: number }[],
): string {
  const longer = cuts.filter((c) => c.step > 1).sort((p, q) => p.axis - q.axis)
  const extents = Array.from({ length: rank }, (_, axis) => b.extent(y, axis))
  return interleave(
    b,
    value,
    extents,
    longer.map((c) => c.axis),
    longer.map((c) => c.step),
  )
}

// --- Pad -----------------------------------------------------------------------------------------------------------

/**
 * y = x with borders. Constant borders: the gradient without them, zeros where negative pads cut something off; the
 * border value takes what falls on the border. Others: what falls on a border goes to the element it was copied from.
 */
const pad: Rule = ({ b, node, gy, x: [x = '', given = '', value = '', axes = ''] }) => {
  const constant = stringOf(node, 'mode', 'constant') === 'constant'
  const pads = (): string => (axes === '' ? given : allAxes(b, given, axes, b.requireRank(x, node.op)))
  const inner = (): string => {
    const known = storedInts(b, given)?.map((p) => -p)
    const count = (known?.length ?? 0) / 2
    const named = axes === '' ? Array.from({ length: count }, (_, i) => i) : storedInts(b, axes)
    if (known && named) return padWithZeros(b, gy, b.rank(x), named, known.slice(0, count), known.slice(count))
    return b.op('Pad', [gy, b.op('Neg', [pads()])])
  }
  const sum = (v: string): string => b.op('ReduceSum', [v], { keepdims: 0 })
  return [
    constant ? inner : () => scatterBack(b, x, gy, (p) => again(b, node, [p, pads()])),
    undefined,
    value === ''
      ? undefined
      : () => (constant ? b.reshapeLike(b.op('Sub', [sum(gy), sum(inner())]), value) : zerosLike(b, value)),
  ]
}

/** `pads` of some axes as those of all: ORT 1.30 loses sight of `axes` when it moves a Transpose over a Pad. */
function allAxes(b: Builder, pads: string, axes: string, rank: number): string {
  const columns = b.op('Reshape', [pads, b.int64s([2, -1])])
  const none = b.constant(int64([2, rank], new Array<number>(2 * rank).fill(0)))
  const where = b.op('Expand', [b.op('Cast', [axes], { to: protoType('int64') }), b.op('Shape', [columns])])
  return b.op('Reshape', [b.op('ScatterElements', [none, where, columns], { axis: 1 }), b.int64s([-1])])
}

// --- Gather --------------------------------------------------------------------------------------------------------

/** y = x[..., indices, ...] on one axis: gradients add up where an index repeats. */
function gather({ b, node, gy, x: [x = '', indices = ''] }: RuleCall): string {
  const axis = intOf(node, 'axis', 0)
  const extent = b.extent(x, axis)
  const stored = storedInts(b, indices)
  const scalar = b.graph.constant(indices)?.dims.length === 0
  const [first = 0] = stored ?? []
  const inOrder = stored?.every((v, i) => v === first + i && v < 0 === first < 0)
  if (stored && stored.length > 0 && (scalar || b.rank(indices) === 1) && inOrder) {
    // one index, or several in a row: a border of zeros
    const begin = first < 0 ? b.add(extent, first) : first
    const kept = scalar ? b.op('Unsqueeze', [gy, b.int64s([axis])]) : gy
    return padWithZeros(b, kept, b.rank(x), [axis], [begin], [b.sub(extent, b.add(begin, stored.length))])
  }
  const count = stored?.length ?? countOf(b, indices)
  const rows = axis < 0 ? [-1, count, around(b, x, axis + 1, 0)] : [around(b, x, 0, axis), count, -1]
  const values = b.reshape(gy, rows)
  const shape = b.op('Shape', [values])
  const zeros = b.op('Expand', [b.scalar(0, x), b.vector([b.extent(values, 0), extent, b.extent(values, 2)])])
  const where = b.op('Expand', [b.op('Reshape', [indices, b.int64s([1, -1, 1])]), shape])
  return b.reshapeLike(b.op('ScatterElements', [zeros, where, values], { axis: 1, reduction: 'add' }), x)
}

/** The product of the extents from one axis up to another. */
function around(b: Builder, x: string, from: number, to: number): Extent {
  return Array.from({ length: to - from }, (_, i) => b.extent(x, from + i)).reduce<Extent>((n, e) => b.mul(n, e), 1)
}

// --- Scatter -------------------------------------------------------------------------------------------------------

/** y = data with updates put, or joined by `reduction`, at indices. `take` reads the updates' places. */
function scatter(take: 'GatherElements' | 'GatherND'): Rule {
  return (call): readonly (Pullback | undefined)[] => {
    const { b, node, gy, x: inputs, y: outputs } = call
    const [data = '', indices = '', updates = ''] = inputs
    const axis = take === 'GatherElements' ? { axis: intOf(node, 'axis', 0) } : {}
    const s: Scattering = {
      ...{ b, gy, data, updates, y: outputs[0] ?? '' },
      read: (value) => b.op(take, [value, indices], axis),
      put: (value, made, reduction) => b.op(node.op, [value, indices, made], { ...axis, reduction }),
    }
    const reduction = stringOf(node, 'reduction', 'none')
    if (reduction === 'none') return [() => s.put(gy, zerosLike(b, updates), 'none'), undefined, () => s.read(gy)]
    if (reduction === 'add') return [() => gy, undefined, () => s.read(gy)]
    return reduction === 'mul' ? scatterProduct(s) : scatterExtreme(s)
  }
}

interface Scattering {
  readonly b: Builder
  readonly gy: string
  readonly data: string
  readonly updates: string
  readonly y: string
  /** The elements of something shaped like `data` at the updates' places. */
  readonly read: (value: string) => string
  /** `value`, shaped like `data`, with something shaped like `updates` joined to it. */
  readonly put: (value: string, updates: string, reduction: 'none' | 'add' | 'mul') => string
}

/**
 * y = data times the updates that meet there: the product of the others, which is 0 where another one is 0. (Second derivatives are
 * those of p / x, as in ReduceProd.)
 */
function scatterProduct({ b, gy, data, updates, read, put }: Scattering): readonly (Pullback | undefined)[] {
  const one = b.scalar(1, data)
  const isZero = b.op('Equal', [updates, b.scalar(0, updates)])
  const safe = b.op('Where', [isZero, b.scalar(1, updates), updates])
  const ones = b.op('Expand', [one, b.shapeOf(data)])
  return [
    () => b.op('Mul', [gy, put(ones, updates, 'mul')]),
    undefined,
    () => {
      const mask = asMask(b, isZero, updates)
      const others = b.op('Sub', [read(put(zerosLike(b, data), mask, 'add')), mask])
      const counts = asMask(b, b.op('Equal', [others, b.scalar(0, updates)]), updates)
      const product = read(b.op('Mul', [gy, put(data, safe, 'mul')]))
      return b.op('Mul', [b.op('Div', [product, safe]), counts])
    },
  ]
}

/** y = the largest, or smallest, of data and the updates that meet there: all that attain it share the gradient equally. */
function scatterExtreme({ b, gy, data, updates, y, read, put }: Scattering): readonly (Pullback | undefined)[] {
  const stays = asMask(b, b.op('Equal', [data, y]), data)
  const wins = asMask(b, b.op('Equal', [updates, read(y)]), updates)
  const share = b.op('Div', [gy, b.op('Max', [put(stays, wins, 'add'), b.scalar(1, data)])])
  return [() => b.op('Mul', [share, stays]), undefined, () => b.op('Mul', [read(share), wins])]
}

const SCATTERED =
  'where indices repeat, each update gets the gradient (ONNX leaves open which remains); max, min: equals share it equally'

export const indexing = defineRules({
  Slice: { rule: (call) => [() => slice(call)] },
  Pad: { rule: pad },
  Gather: { rule: (call) => [() => gather(call)] },
  // y[i] = x[.., indices[i], ..] on one axis
  GatherElements: unary(({ b, node, gy, in0, x }) =>
    b.op('ScatterElements', [zerosLike(b, in0), x[1] ?? '', gy], { axis: intOf(node, 'axis', 0), reduction: 'add' }),
  ),
  // y[i] = x[indices[i]], an index for several axes at once
  GatherND: unary(({ b, node, gy, in0, x }) =>
    intOf(node, 'batch_dims', 0) === 0
      ? b.op('ScatterND', [zerosLike(b, in0), x[1] ?? '', gy], { reduction: 'add' })
      : scatterBack(b, in0, gy, (positions) => again(b, node, [positions, x[1] ?? ''])),
  ),
  // Where indices repeat, ONNX leaves open which update remains, and each is given the gradient.
  ScatterElements: atTies(SCATTERED, {
    rule: scatter('GatherElements'),
  }),
  ScatterND: atTies(SCATTERED, {
    rule: scatter('GatherND'),
  }),
  // y = the middle of x, or x in the middle of zeros: the same back to the extents of x
  CenterCropPad: {
    inputs: 1,
    rule: ({ b, node, gy, x: [x = ''] }) => [
      () => {
        const axes = intsOf(node, 'axes', undefined)
        return again(b, node, [gy, axes ? b.vector(axes.map((axis) => b.extent(x, axis))) : b.shapeOf(x)])
      },
    ],
  },
  // y = the elements (or slices) where the condition holds
  Compress: unary(({ b, node, gy, in0, x }) =>
    scatterBack(b, in0, gy, (positions) => again(b, node, [positions, x[1] ?? ''])),
  ),
  // y = the k largest, or smallest, on one axis: back to the elements that the Indices output names
  TopK: atTies('goes to the elements that the Indices output names', {
    outputs: 1,
    rule: ({ b, node, gy, x: [x = ''] }) => [
      () => b.op('ScatterElements', [zerosLike(b, x), b.output(node, 1), gy], { axis: intOf(node, 'axis', -1) }),
    ],
  }),
  // y = x with the first elements of each sequence reversed: the same of gy
  ReverseSequence: unary(({ b, node, gy, x }) => again(b, node, [gy, x[1] ?? ''])),
})
