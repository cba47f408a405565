/** What operators do to axes. */
import type { Dim } from '../../core/runtime.js'
import { intOf, intsOf, stringOf } from '../../onnx/attributes.js'
import { operatorName } from '../../onnx/ir.js'
import {
  type Axis,
  agreed,
  directionOf,
  holdsPlaces,
  joined,
  type Layout,
  other,
  places,
  product,
  regroup,
} from './axes.js'
import { type AxisCall, type AxisRule, fromFront, numbersOf, reducedAxes } from './call.js'
import { concatenated, part, sliced, split } from './parts.js'
import { isSpatial, spatial } from './spatial.js'

const regrouped: AxisRule = ({ layouts: [x], dims }) => x && regroup(x, dims)

/** A product of matrices: rows of the first, columns of the second. */
const matrixProduct: AxisRule = ({ layouts: [a, b], sizes: [aDims, bDims], dims }) => {
  const [rows, columns] = [aDims?.length ?? 0, bDims?.length ?? 0]
  const inner = dims.length - (rows > 1 ? 1 : 0) - (columns > 1 ? 1 : 0)
  const lead = dims.slice(0, inner).map((size, i) => {
    const at = (l: Layout | undefined, rank: number): Axis | undefined => {
      const axis = i + Math.max(0, rank - 2) - inner
      return axis >= 0 && axis < rank - 2 ? l?.[axis] : undefined
    }
    return agreed([at(a, rows), at(b, columns)], size)
  })
  const ends = [
    ...(rows > 1 ? [a?.[rows - 2] ?? other(aDims?.[rows - 2])] : []),
    ...(columns > 1 ? [b?.[columns - 1] ?? other(bDims?.[columns - 1])] : []),
  ]
  return [...lead, ...ends]
}

const gemm: AxisRule = ({ node, layouts: [a, b], dims }) => [
  a?.[intOf(node, 'transA', 0) === 1 ? 1 : 0] ?? other(dims[0]),
  b?.[intOf(node, 'transB', 0) === 1 ? 0 : 1] ?? other(dims[1]),
]

const transpose: AxisRule = ({ node, layouts: [x] }) => {
  const perm = intsOf(node, 'perm', undefined) ?? x?.map((_, i) => i).reverse()
  return x && perm?.map((axis) => x[axis] ?? [])
}

const flatten: AxisRule = ({ node, layouts: [x] }) => {
  const axis = x && fromFront(intOf(node, 'axis', 1), x.length)
  return x && [x.slice(0, axis).flat(), x.slice(axis).flat()]
}

const squeeze: AxisRule = ({ node, graph, layouts: [x], dims }) => {
  const axes = x && numbersOf(graph, node.inputs[1])?.map((a) => fromFront(a, x.length))
  return x && (axes ? x.filter((_, i) => !axes.includes(i)) : regroup(x, dims))
}

const unsqueeze: AxisRule = ({ node, graph, layouts: [x], dims }) => {
  const axes = numbersOf(graph, node.inputs[1])?.map((a) => fromFront(a, dims.length))
  let next = 0
  return x && (axes ? dims.map((_, i) => (axes.includes(i) ? [] : (x[next++] ?? []))) : regroup(x, dims))
}

const reduction: AxisRule = ({ node, graph, layouts: [x] }) => {
  const axes = x && reducedAxes(graph, node, x.length)
  if (!axes) return undefined
  const keep = intOf(node, 'keepdims', 1) === 1
  return keep ? x.map((axis, i) => (axes.includes(i) ? [] : axis)) : x.filter((_, i) => !axes.includes(i))
}

const gather: AxisRule = ({ node, graph, layouts: [x], sizes: [, picked] }) => {
  if (!x) return undefined
  const axis = fromFront(intOf(node, 'axis', 0), x.length)
  const indices = numbersOf(graph, node.inputs[1])
  const [first = 0] = indices ?? []
  const run = indices?.every((v, i) => v === first + i) ?? false
  const digits = indices && picked && unfolded(x[axis] ?? [], indices, picked)
  const left =
    digits ??
    picked?.map((size): Axis => {
      if (!run || typeof size !== 'number') return other(size)
      return part(x[axis] ?? [], first, first + size, size)
    })
  return left && [...x.slice(0, axis), ...left, ...x.slice(axis + 1)]
}

/**
 * An axis taken apart by a table of indices, as `im2col` without overlap does it: each axis of the table is a digit of the index.
 * undefined where the table is anything else.
 */
function unfolded(axis: Axis, indices: readonly number[], table: readonly Dim[]): Layout | undefined {
  const [only] = axis
  const sizes = table.map(Number)
  if (axis.length !== 1 || only?.size !== indices.length || only.kind === 'tokens' || sizes.length < 2) return undefined
  // the index one step along each axis of the table, where it starts from 0
  const strides = sizes.map((_, k) => indices[count(sizes.slice(k + 1))] ?? 0)
  const at = (i: number): number =>
    strides.reduce((n, stride, k) => n + stride * (Math.floor(i / count(sizes.slice(k + 1))) % (sizes[k] ?? 1)), 0)
  if (new Set(indices).size !== indices.length || !indices.every((v, i) => v === at(i))) return undefined
  return sizes.map((size, k) => {
    const step = strides[k] ?? 1
    return size === 1 ? [] : [only.kind === 'place' ? { ...only, size, step: only.step * step } : { ...only, size }]
  })
}

function count(sizes: readonly number[]): number {
  return sizes.reduce((n, size) => n * size, 1)
}

/** Places that channels hold come out of them: `DepthToSpace` undoes what cut a map into patches; else places are new. */
const depthToSpace: AxisRule = (call) => {
  const {
    node,
    layouts: [x],
    sizes: [from],
    dims,
  } = call
  const side = intOf(node, 'blocksize', 1)
  const [n, c, h, w] = from ?? []
  const depth = typeof c === 'number' ? c / (side * side) : null
  const crd = stringOf(node, 'mode', 'DCR') === 'CRD'
  const parts =
    x &&
    regroup(
      x,
      crd ? [n ?? null, depth, side, side, h ?? null, w ?? null] : [n ?? null, side, side, depth, h ?? null, w ?? null],
    )
  const [batch = [], p = [], q = [], r = [], rows = [], columns = []] = parts ?? []
  const [channels, row, column] = crd ? [p, q, r] : [r, p, q]
  const exact = [batch, channels, joined([...rows, ...row]), joined([...columns, ...column])]
  return exact.slice(2).every((axis) => directionOf(axis) !== undefined) && exact.length === dims.length
    ? exact
    : spatial(call)
}

/** Axes that grow by repetition hold nothing that is known. */
const grown: AxisRule = ({ layouts: [x], dims }) => {
  const lead = dims.length - (x?.length ?? 0)
  return x && dims.map((size, i) => (x[i - lead]?.length ? (x[i - lead] ?? []) : other(size)))
}

/** An axis whose size has changed has new places in the same direction; for `Resize` and `Pad`. */
const resized: AxisRule = ({ layouts: [x], sizes: [from], output, dims }) =>
  x?.map((axis, i) => {
    if (dims[i] === from?.[i] && dims[i] !== null) return axis
    const along = directionOf(axis)
    if (along !== undefined) return places(along, dims[i], output, i)
    return holdsPlaces(axis) ? other(dims[i]) : axis
  })

const einsum: AxisRule = ({ node, layouts, dims }) => {
  const equation = stringOf(node, 'equation', '').replaceAll(' ', '')
  const [left = '', right] = equation.split('->')
  if (right === undefined || equation.includes('.')) return undefined
  const terms = left.split(',')
  return [...right].map((letter, i) =>
    agreed(
      terms.map((term, t) => (term.includes(letter) ? layouts[t]?.[term.indexOf(letter)] : undefined)),
      dims[i],
    ),
  )
}

/** Operators that work place by place: axes are those of the inputs, aligned at the end. */
const elementwise: AxisRule = ({ layouts, sizes, dims }) =>
  dims.map((size, i) =>
    size === 1
      ? []
      : agreed(
          layouts.map((layout, n) => {
            const axis = i - dims.length + (layout?.length ?? 0)
            const own = sizes[n]?.[axis]
            const differs = typeof own === 'number' && typeof size === 'number' && own !== size
            return differs ? undefined : layout?.[axis]
          }),
          size,
        ),
  )

/** Operators behind which nothing is known of axes. */
const unknown: AxisRule = ({ dims }) => dims.map((size) => other(size))

const RULES: Readonly<Record<string, AxisRule>> = {
  Concat: concatenated,
  DepthToSpace: depthToSpace,
  Einsum: einsum,
  Expand: grown,
  Flatten: flatten,
  Gather: gather,
  Gemm: gemm,
  MatMul: matrixProduct,
  Pad: resized,
  ReduceL1: reduction,
  ReduceL2: reduction,
  ReduceLogSum: reduction,
  ReduceLogSumExp: reduction,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceSum: reduction,
  ReduceSumSquare: reduction,
  Reshape: regrouped,
  Resize: resized,
  Slice: sliced,
  Split: split,
  Squeeze: squeeze,
  Tile: grown,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
}

/** Operators whose outputs have axes of their own, or places picked at run time. */
const OPAQUE: ReadonlySet<string> = new Set([
  'AffineGrid',
  'ArgMax',
  'ArgMin',
  'CenterCropPad',
  'Col2Im',
  'Compress',
  'Det',
  'EyeLike',
  'GRU',
  'GatherElements',
  'GatherND',
  'GridSample',
  'If',
  'LSTM',
  'Loop',
  'NonMaxSuppression',
  'NonZero',
  'OneHot',
  'RNN',
  'Range',
  'ReverseSequence',
  'RoiAlign',
  'Scan',
  'ScatterND',
  'Shape',
  'Size',
  'TopK',
  'Unique',
])

function fits(axis: Axis, size: Dim | undefined): boolean {
  const own = product(axis)
  return own === null || typeof size !== 'number' || own === size
}

/** The layout of one output of a node; undefined where its rank is unknown. */
export function layoutOf(call: AxisCall): Layout | undefined {
  const { node } = call
  const name = operatorName(node)
  if (node.domain !== '' || OPAQUE.has(name)) return unknown(call)
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : isSpatial(node) ? spatial : elementwise
  const found = rule?.(call)
  // a rule that gives up, or sizes that contradict it
  if (found?.length !== call.dims.length) return unknown(call)
  return found.map((axis, i) => (fits(axis, call.dims[i]) ? axis : other(call.dims[i])))
}
