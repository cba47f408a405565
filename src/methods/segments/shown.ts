/** Pictures of which some segments are shown and the others are covered, and maps of one value a segment. */
import { gridOf } from '../../core/layout.js'
import { Places } from '../../core/places.js'
import { float32, type Tensor } from '../../core/tensor.js'
import { covered } from '../covering.js'
import type { DriveContext, OptionDefinitions } from '../method.js'
import type { Segments, Sides } from './raster.js'

/** What stands where a segment is covered. */
export const COVER_OPTION = {
  kind: 'fill',
  default: 'mean',
  description: 'what is put where something is covered: mean (0 after normalisation) or a colour',
} as const

/** Shares of the segments that are shown, 1 or 0 or between: one number a segment. */
export type Shares = ArrayLike<number>

/** Scores `[pictures][targets]` of pictures of which each segment is shown by its share, and is the colour `fill` for the rest. */
export function scoresOfShown<O extends OptionDefinitions>(
  context: DriveContext<O>,
  segments: Segments,
  fill: readonly number[],
): (shares: readonly Shares[]) => Promise<readonly Float32Array[]> {
  const { input, layout } = context
  const size = input.data.length
  const cover = covered(input, layout, fill)
  const labels = elementLabels(input, layout, segments)
  return (shares) => {
    const data = new Float32Array(shares.length * size)
    for (const [i, shown] of shares.entries())
      for (let at = 0; at < size; at++) {
        const share = shown[labels[at] ?? 0] ?? 0
        data[i * size + at] = share * (input.data[at] ?? 0) + (1 - share) * (cover[at] ?? 0)
      }
    return context.scores(float32([shares.length, ...input.dims.slice(1)], data))
  }
}

/** The segment of each element of a picture. */
function elementLabels(input: Tensor<'float32'>, layout: string, { labels }: Segments): Int32Array {
  const places = new Places(gridOf(layout.slice(1), input.dims.slice(1)))
  const out = new Int32Array(input.data.length)
  for (const [place, label] of labels.entries())
    for (let c = 0; c < places.channels; c++) out[places.at(place, c)] = label
  return out
}

/** A map of values `[D,H,W]`, less the axes that the input lacks. */
export function placeMap(values: Float32Array, sides: Sides, layout: string): Tensor<'float32'> {
  const axes = [
    ...(layout.includes('D') ? [sides.depth] : []),
    ...(layout.includes('H') ? [sides.height] : []),
    sides.width,
  ]
  return float32(axes, values)
}

/** The map that has each segment's value at all its places. */
export function segmentMap(values: ArrayLike<number>, segments: Segments, layout: string): Tensor<'float32'> {
  return placeMap(
    Float32Array.from(segments.labels, (label) => values[label] ?? 0),
    segments,
    layout,
  )
}
