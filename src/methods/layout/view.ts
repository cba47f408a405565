/** Any feature map as `[N, K, ...places]`: what methods that explain at a layer work on. */

import type { Dim } from '../../core/runtime.js'
import type { Builder, Extent } from '../../onnx/builder.js'
import { type Factor, holdsPlaces, type Layout, type Place, product, sequenceOf, type Tokens } from './axes.js'

/** Tokens of a sequence that are no places of the picture. */
export interface Others {
  readonly before: number
  readonly after: number
}

/** A feature map's places: the sizes of its directions, and the tokens around them where it is a sequence. */
export interface MapForm {
  readonly sizes: readonly Dim[]
  /** Present for a sequence, be it of nothing but places. */
  readonly sequence: Others | undefined
}

/** A value whose places are those of the picture. */
export interface Layer {
  readonly value: string
  readonly layout: Layout
  readonly form: MapForm
}

/**
 * The places of a value; undefined where they are not all there once, or all at one position: a window's row, attention weights from
 * places to places.
 */
export function mapForm(layout: Layout, directions: number): MapForm | undefined {
  const factors = layout.flat()
  const sequences = factors.filter((f) => f.kind === 'tokens')
  const [sequence] = sequences
  const all = [...factors.filter((f) => f.kind === 'place'), ...(sequence?.places ?? [])]
  if (sequences.length > 1 || (sequence && all.length > sequence.places.length)) return undefined
  if (layout.some((axis) => axis.length > 1 && axis.some((f) => f.kind === 'tokens'))) return undefined
  if (factors.filter((f) => f.kind === 'batch').length > 1) return undefined
  const sizes = Array.from({ length: directions }, (_, along) => extentOf(all.filter((p) => p.along === along)))
  if (all.length === 0 || sizes.some((s) => s === undefined)) return undefined
  // a direction may be of one place only, but not where something else has taken its axis
  const taken = layout.filter((axis) => axis.length === 1 && axis[0]?.kind === 'other').length
  if (taken > 1 && new Set(all.map((p) => p.along)).size < directions) return undefined
  const flat = layout.some((axis) => (sequenceOf(axis)?.places.length ?? 0) > 1)
  return {
    sizes: sizes.map((s) => s ?? null),
    sequence: sequence || flat ? { before: sequence?.before ?? 0, after: sequence?.after ?? 0 } : undefined,
  }
}

/** The extent of one direction from its digits: 1 where it has none; undefined where digits are missing or there twice. */
function extentOf(digits: readonly Place[]): Dim | undefined {
  if (digits.length === 0) return 1
  const order = [...digits].sort((a, b) => b.step - a.step)
  const [first] = order
  if (order.length === 1 && first?.step === 1) return first.size
  let [next, count] = [first?.whole, 1]
  for (const d of order) {
    if (typeof d.size !== 'number' || d.whole !== first?.whole || d.size * d.step !== next) return undefined
    next = d.step
    count *= d.size
  }
  return count
}

/** True where each axis holds one thing alone: not heads beside tokens, not windows beside the batch. */
export function isPlain(layout: Layout): boolean {
  const held = layout.filter(holdsPlaces)
  const others = layout.filter((axis) => !holdsPlaces(axis) && axis.length > 0)
  const channels = others.filter((axis) => axis.some((f) => f.kind === 'other'))
  const sequence = held.length === 1 && sequenceOf(held[0] ?? []) !== undefined
  const directions = held.every(([first, second], i) => {
    const alone = held[i]?.length === 1 && first?.kind === 'place'
    // slices or frames that were made part of the batch
    const folded = held[i]?.length === 2 && first?.kind === 'batch' && second?.kind === 'place'
    return alone || (folded && second.size === second.whole)
  })
  return (sequence || directions) && channels.length <= 1 && others.every((axis) => axis.length === 1)
}

/** True for `[N, K, ...places]` itself. */
export function isChannelsFirst(layout: Layout): boolean {
  return layout.every((axis, i) => {
    const [only] = axis
    return i < 2
      ? !holdsPlaces(axis)
      : axis.length === 0 || (axis.length === 1 && only?.kind === 'place' && only.along === i - 2)
  })
}

/**
 * `value`, of this layout, as `[N, K, ...places]`: others are cut off a sequence, axes split into their factors, turned, and merged. For
 * a gradient as for the value itself.
 */
export function channelsFirstView(b: Builder, value: string, layer: Pick<Layer, 'layout' | 'form'>): string {
  const { layout, form } = layer
  if (isChannelsFirst(layout)) return value
  const view = turnedView(b, value, layer)
  const channels = product(layout.flat().filter((f) => f.kind === 'other'))
  b.know(view, b.type(value), [null, channels, ...form.sizes])
  return view
}

function turnedView(b: Builder, value: string, { layout, form }: Pick<Layer, 'layout' | 'form'>): string {
  const axis = layout.findIndex(([only]) => only?.kind === 'tokens')
  const sequence = layout[axis]?.[0]
  const bare = sequence?.kind === 'tokens' ? layout.with(axis, sequence.places) : layout
  const cut = sequence?.kind === 'tokens' ? withoutOthers(b, value, axis, sequence) : value
  const factors = bare.flat()
  const isSplit = bare.every((axis) => axis.length === 1)
  const split = isSplit
    ? cut
    : b.reshape(
        cut,
        factors.map((f) => extent(b, f)),
      )
  const order = factors.map((_, i) => i).sort((i, j) => rank(factors[i]) - rank(factors[j]) || i - j)
  const turned = b.transpose(split, order)
  const { sizes } = form
  const ends = sizes.map((size, along) => (typeof size === 'number' ? size : wholeOf(b, factors, along)))
  const first = factors.some((f) => f.kind === 'batch') ? 0 : 1
  const isDone =
    first === 0 && factors.length === sizes.length + 2 && factors.filter((f) => f.kind === 'other').length === 1
  return isDone ? turned : b.reshape(turned, [first, -1, ...ends])
}

function withoutOthers(b: Builder, value: string, axis: number, { before, after }: Tokens): string {
  return b.slice(value, [axis], [before], [after === 0 ? Number.MAX_SAFE_INTEGER : -after])
}

/** What the size of a factor is called in a `Reshape`: the batch is what remains. */
function extent(b: Builder, f: Factor): Extent {
  if (typeof f.size === 'number') return f.size
  return f.kind === 'place' ? b.extent(f.from.value, f.from.axis) : -1
}

function wholeOf(b: Builder, factors: readonly Factor[], along: number): Extent {
  const place = factors.find((f) => f.kind === 'place' && f.along === along)
  return place ? extent(b, place) : 1
}

/** Batch first, channels next, then places by direction, coarse digits before fine ones. */
function rank(f: Factor | undefined): number {
  if (f?.kind === 'batch') return -2
  if (f?.kind !== 'place') return -1
  return f.along + 1 / (1 + f.step)
}
