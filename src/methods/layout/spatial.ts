/** Operators that take and give channels on the second axis and places behind it. */
import type { Dim } from '../../core/runtime.js'
import { intsOf } from '../../onnx/attributes.js'
import type { Node } from '../../onnx/ir.js'
import { batch, directionOf, holdsPlaces, type Layout, other, places } from './axes.js'
import type { AxisRule } from './call.js'

/** Operators that work place by place, or keep the places they do not leave out. */
export const SPATIAL: ReadonlySet<string> = new Set([
  'AveragePool',
  'BatchNormalization',
  'Conv',
  'ConvTranspose',
  'DepthToSpace',
  'GlobalAveragePool',
  'GlobalLpPool',
  'GlobalMaxPool',
  'GroupNormalization',
  'InstanceNormalization',
  'LpPool',
  'LRN',
  'MaxPool',
  'SpaceToDepth',
])

export const GLOBAL_POOLS: ReadonlySet<string> = new Set(['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'])

export function isSpatial(node: Node): boolean {
  return node.domain === '' && SPATIAL.has(node.op)
}

/** True for operators that read neighbouring places: their spatial axes are directions of a map, whatever is known of them. */
export function readsNeighbours(node: Node): boolean {
  if (!isSpatial(node)) return false
  return GLOBAL_POOLS.has(node.op) || intsOf(node, 'kernel_shape', []).some((k) => k > 1)
}

/** True where the first axis is the picture's batch, as far as that is known. */
export function hasBatch(dims: readonly Dim[], all: Dim): boolean {
  return dims[0] === all || dims[0] === null || all === null
}

/** `[N, channels, ...places]`: how a value is read by operators that are made for maps. */
export function channelsFirst(value: string, dims: readonly (number | string | null)[]): Layout {
  return dims.map((size, i) => (i === 0 ? batch(size) : i === 1 ? other(size) : places(i - 2, size, value, i)))
}

/** An axis of the same size keeps what runs along it, tokens too; one of another size has new places in the same direction. */
export const spatial: AxisRule = ({ node, directions, batch: all, layouts: [x], sizes: [from], output, dims }) => {
  const known = x?.some(holdsPlaces)
  if (!x || !known)
    return readsNeighbours(node) && dims.length === directions + 2 && hasBatch(dims, all)
      ? channelsFirst(output, dims)
      : undefined
  return dims.map((size, i) => {
    const axis = x[i] ?? []
    if (i === 0) return axis
    if (i === 1) return holdsPlaces(axis) && size === from?.[1] && node.op !== 'Conv' ? axis : other(size)
    if (GLOBAL_POOLS.has(node.op)) return []
    if (size !== null && size === from?.[i]) return axis
    const along = directionOf(axis)
    return along === undefined ? other(size) : places(along, size, output, i)
  })
}
