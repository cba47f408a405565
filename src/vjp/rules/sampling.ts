/** Operators that read pictures between pixels, at places that other values give. */
import { ExplainError } from '../../core/errors.js'
import { type DataType, float32, type Tensor, tensor } from '../../core/tensor.js'
import { intOf, stringOf } from '../../onnx/attributes.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { again } from '../again.js'
import { asMask } from '../masks.js'
import { atTies, defineRules, type Rule } from '../rule.js'
import { pixelsFirst, upTo, zerosLike } from '../scatter.js'

// --- GridSample ----------------------------------------------------------------------------------------------------

/**
 * The pixels that are read for a place, along one axis, and their weights: polynomials of `t`, how far the place lies beyond pixel
 * `floor(place)`. Row k holds the coefficients of t^k, one column per pixel; the first pixel is `floor(place) + first`.
 */
interface Taps {
  readonly first: number
  readonly weights: readonly (readonly number[])[]
}

/** Keys 1981 with a = -0.75, as PyTorch and ORT. */
const KEYS = -0.75

const TAPS: Readonly<Record<string, Taps>> = {
  nearest: { first: 0, weights: [[1]] },
  linear: {
    first: 0,
    weights: [
      [1, 0],
      [-1, 1],
    ],
  },
  cubic: {
    first: -1,
    weights: [
      [0, 1, 0, 0],
      [KEYS, 0, -KEYS, 0],
      [-2 * KEYS, -(KEYS + 3), 2 * KEYS + 3, KEYS],
      [KEYS, KEYS + 2, -(KEYS + 2), -KEYS],
    ],
  },
}

/** Along one axis, P places of N pictures, K pixels each: indices inside the picture, weights, d weight / d place. `[N, P, K]`. */
interface Axis {
  readonly index: string
  readonly weight: string
  readonly slope: string
  /** d place / d grid, a scalar. */
  readonly rate: string
  readonly extent: Extent
}

/** A small matrix in the type of `like`. */
function matrix(b: Builder, rows: readonly (readonly number[])[], like: string): string {
  const dims = [rows.length, rows[0]?.length ?? 0]
  const values = rows.flat()
  const made = (type: DataType | undefined): Tensor =>
    type === 'float64' ? tensor(type, dims, Float64Array.from(values)) : float32(dims, values)
  const type = b.type(like)
  const constant = b.constant(made(type))
  return type === 'float32' || type === 'float64' ? constant : b.op('CastLike', [constant, like])
}

/** `c0 + c1 t + c2 t^2 + ...` for every column of coefficients: `[N, P, 1]` to `[N, P, K]`. */
function polynomials(b: Builder, t: string, rows: readonly (readonly number[])[]): string {
  const powers = rows
    .slice(1)
    .reduce<string[]>((all) => [...all, all.length === 0 ? t : b.op('Mul', [all.at(-1) ?? '', t])], [])
  const one = b.op('Expand', [b.scalar(1, t), b.op('Shape', [t])])
  const stacked = powers.length === 0 ? one : b.op('Concat', [one, ...powers], { axis: 2 })
  return b.op('MatMul', [stacked, matrix(b, rows, t)])
}

/** Axis `i` of the picture, which is number `d - 1 - i` of a place in the grid `[N, P, d]`. */
function axisOf(b: Builder, node: Node, x: string, places: string, i: number, d: number): Axis {
  const taps = tapsOf(node)
  const aligned = intOf(node, 'align_corners', 0) === 1
  const extent = b.extent(x, i + 2)
  const real = (e: Extent): string => (typeof e === 'number' ? b.scalar(e, places) : b.op('CastLike', [e, places]))
  const [one, half] = [b.scalar(1, places), b.scalar(0.5, places)]
  const from = b.slice(places, [2], [d - 1 - i], [d - i])
  const shifted = b.op('Add', [from, one])
  const rate = b.op('Mul', [real(aligned ? b.sub(extent, 1) : extent), half])
  const scaled = b.op('Mul', [shifted, rate])
  const place = aligned ? scaled : b.op('Sub', [scaled, half])
  const base = b.op(taps.weights.length === 1 ? 'Round' : 'Floor', [place])
  const t = b.op('Sub', [place, base])
  const offsets = taps.weights[0]?.map((_, k) => k + taps.first) ?? []
  const index = b.op('Add', [b.op('Cast', [base], { to: INT64 }), b.int64s(offsets)])
  const weight = polynomials(b, t, taps.weights)
  const slopes = taps.weights.slice(1).map((row, k) => row.map((c) => c * (k + 1)))
  const slope = slopes.length === 0 ? '' : polynomials(b, t, slopes)
  return { ...bounded(b, node, index, weight, slope, extent, aligned), rate, extent }
}

const INT64 = 7

function tapsOf(node: Node): Taps {
  const mode = stringOf(node, 'mode', 'linear').replace(/^bi/, '')
  const taps = Object.hasOwn(TAPS, mode) ? TAPS[mode] : undefined
  if (!taps)
    throw new ExplainError('invalid-model', { what: `GridSample has no mode "${mode}"`, where: describe(node) })
  return taps
}

/**
 * Pixels beyond the edge: none (`zeros`), the one at the edge (`border`), or the one that a mirror shows (`reflection`: about the
 * outermost centres where corners are aligned, else about the outermost edges). Doing this to pixels gives what ONNX writes
 * down for places, but for `nearest` halfway between two pixels in a mirror.
 */
function bounded(
  b: Builder,
  node: Node,
  index: string,
  weight: string,
  slope: string,
  extent: Extent,
  aligned: boolean,
): Pick<Axis, 'index' | 'weight' | 'slope'> {
  const padding = stringOf(node, 'padding_mode', 'zeros')
  const size = b.vector([extent])
  const clamped = b.op('Min', [b.op('Max', [index, b.int64s([0])]), b.vector([b.sub(extent, 1)])])
  if (padding === 'border') return { index: clamped, weight, slope }
  if (padding === 'reflection') {
    // there and back again: 2 extent - 2 pixels where those at the ends are not repeated
    const around = aligned ? b.max(b.mul(b.sub(extent, 1), 2), 1) : b.mul(extent, 2)
    const there = b.op('Mod', [index, b.vector([around])])
    const back = b.op('Sub', [b.vector([aligned ? around : b.sub(around, 1)]), there])
    return { index: b.op('Min', [there, back]), weight, slope }
  }
  const inside = b.op('And', [b.op('GreaterOrEqual', [index, b.int64s([0])]), b.op('Less', [index, size])])
  const mask = asMask(b, inside, weight)
  const masked = (v: string): string => (v === '' ? v : b.op('Mul', [v, mask]))
  return { index: clamped, weight: masked(weight), slope: masked(slope) }
}

/** All pairs of the last axes of `[N, P, K]` and `[N, P, L]`: `[N, P, K L]`. */
function pairs(b: Builder, join: (column: string, row: string) => string, left: string, right: string): string {
  const made = join(b.op('Unsqueeze', [left, b.int64s([3])]), b.op('Unsqueeze', [right, b.int64s([2])]))
  return b.op('Reshape', [made, b.int64s([0, 0, -1])])
}

/**
 * y[n, c, p] = sum over pixels k of weight[n, p, k] x[n, c, pixel[n, p, k]], weights being products over the axes. The gradient of x
 * is added up where pixels meet; that of the grid takes the slope of one axis after another. Nothing flows to the grid of
 * `nearest`.
 */
const gridSample: Rule = ({ b, node, x: [x = '', grid = ''], gy }) => {
  const d = b.requireRank(x, node.op) - 2
  const [pictures, channels] = [b.extent(x, 0), b.extent(x, 1)]
  const prepare = (): { axes: readonly Axis[]; pixels: string; rows: string; size: Extent } => {
    const places = b.op('Reshape', [grid, b.vector([b.extent(grid, 0), -1, d])])
    const axes = Array.from({ length: d }, (_, i) => axisOf(b, node, x, places, i, d))
    const size = axes.reduce<Extent>((n, axis) => b.mul(n, axis.extent), 1)
    const inPicture = axes
      .map((axis) => axis.index)
      .reduce((at, next, i) =>
        pairs(
          b,
          (column, row) => b.op('Add', [b.op('Mul', [column, b.vector([axes[i]?.extent ?? 1])]), row]),
          at,
          next,
        ),
      )
    const numbers = b.op('Mul', [upTo(b, pictures), b.vector([size])])
    const pixels = b.op('Add', [inPicture, b.op('Reshape', [numbers, b.int64s([-1, 1, 1])])])
    return { axes, pixels, rows: pixelsFirst(b, gy), size }
  }
  let made: ReturnType<typeof prepare> | undefined
  const prepared = (): ReturnType<typeof prepare> => {
    made ??= prepare()
    return made
  }
  const multiply = (parts: readonly string[]): string =>
    parts.reduce((left, right) => pairs(b, (column, row) => b.op('Mul', [column, row]), left, right))
  return [
    () => {
      const { axes, pixels, rows, size } = prepared()
      const weights = b.op('Unsqueeze', [multiply(axes.map((a) => a.weight)), b.int64s([3])])
      const updates = b.op('Mul', [weights, b.op('Unsqueeze', [rows, b.int64s([2])])])
      const zeros = b.op('Expand', [b.scalar(0, x), b.vector([b.mul(pictures, size), channels])])
      const inputs = [zeros, b.op('Reshape', [pixels, b.int64s([-1, 1])]), b.reshape(updates, [-1, channels])]
      const sums = b.reshape(b.op('ScatterND', inputs, { reduction: 'add' }), [pictures, size, channels])
      return b.reshapeLike(b.transpose(sums, [0, 2, 1]), x)
    },
    () => {
      if (tapsOf(node).weights.length === 1) return zerosLike(b, grid)
      const { axes, pixels, rows } = prepared()
      const all = b.reshape(pixelsFirst(b, x), [-1, channels])
      // [N, P, K, C] times [N, P, C, 1]
      const read = b.op('Gather', [all, pixels], { axis: 0 })
      const dots = b.op('MatMul', [read, b.op('Unsqueeze', [rows, b.int64s([3])])])
      const values = b.op('Squeeze', [dots, b.int64s([3])])
      const parts = axes.map((axis, i) => {
        const slopes = multiply(axes.map((a, j) => (i === j ? a.slope : a.weight)))
        const sum = b.reduceSum(b.op('Mul', [slopes, values]), [2], true)
        return b.op('Mul', [sum, axis.rate])
      })
      return b.reshapeLike(b.op('Concat', parts.reverse(), { axis: 2 }), grid)
    },
  ]
}

// --- AffineGrid ----------------------------------------------------------------------------------------------------

/** y[n, p] = theta[n] (place p, 1): the places are what AffineGrid makes of the identity. */
const affineGrid: Rule = ({ b, node, x: [theta = '', size = ''], y: [y = ''], gy }) => [
  () => {
    const [, rows] = b.dims(theta) ?? []
    const d = typeof rows === 'number' ? rows : b.requireRank(y, node.op) - 2
    const one = matrix(
      b,
      Array.from({ length: d }, (_, i) => Array.from({ length: d + 1 }, (_, j) => (i === j ? 1 : 0))),
      theta,
    )
    const single = b.op('Concat', [b.int64s([1, 1]), b.slice(size, [0], [2], [d + 2])], { axis: 0 })
    const places = b.reshape(again(b, node, [b.op('Unsqueeze', [one, b.int64s([0])]), single]), [-1, d])
    const last = b.op('Expand', [
      b.scalar(1, theta),
      b.vector([b.op('Gather', [b.op('Shape', [places]), b.int64s([0])]), 1]),
    ])
    const arrived = b.reshape(gy, [b.extent(theta, 0), -1, d])
    return b.op('MatMul', [b.transpose(arrived, [0, 2, 1]), b.op('Concat', [places, last], { axis: 1 })])
  },
]

export const sampling = defineRules({
  GridSample: atTies('the slope beyond a pixel (to the right) at the pixel; nearest: nothing flows to the grid', {
    rule: gridSample,
  }),
  AffineGrid: { rule: affineGrid, inputs: 1 },
})
