/** Something to look at for inputs that are no photos: grey or false-colour pictures of tensors, slice by slice. */
import { gridOf, planeOf } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import type { Picture } from './picture.js'
import type { PreprocessSpec } from './spec.js'

export interface Rendition {
  /** One picture a slice or frame; one for pictures. */
  readonly slices: readonly Picture[]
  /** What the pictures show, where that is not simply the picture. */
  readonly note: string | undefined
}

/**
 * Pictures of a tensor. One or three channels that are preprocessed as `spec` says become the picture that they were. Else the first three
 * channels are red, green and blue (fewer: the first one is grey), each scaled from its least to its largest value in the whole tensor.
 *
 * @param layout the tensor's axes, such as `CHW`, `HWC` or `CDHW`
 * @param spec undefined where nothing is known of the preprocessing
 */
export function rendition(tensor: Tensor<'float32'>, layout: string, spec: PreprocessSpec | undefined): Rendition {
  const grid = gridOf(layout, tensor.dims)
  const count = grid.C.extent
  const undone = spec && (count === 1 || count === 3) && spec.mean.length === count ? undoing(spec) : undefined
  const shown = count < 3 ? [0] : undone && spec?.channels === 'BGR' ? [2, 1, 0] : [0, 1, 2]
  const planes = Array.from({ length: grid.D.extent }, (_, z) => shown.map((c) => planeOf(tensor.data, grid, c, z)))
  const asPhoto = undone !== undefined && isPhoto(planes, shown, undone)
  const scales = shown.map((c, i) =>
    asPhoto && undone ? (v: number) => undone(c, v) : fromRange(planes.map((p) => p[i])),
  )
  const slices = planes.map((parts): Picture => {
    const [width, height] = [grid.W.extent, grid.H.extent]
    const data = new Uint8Array(4 * width * height).fill(255)
    for (let i = 0; i < width * height; i++)
      for (let place = 0; place < 3; place++) {
        const from = parts.length === 1 ? 0 : place
        const byte = scales[from]?.(parts[from]?.[i] ?? 0) ?? 0
        data[4 * i + place] = Math.min(255, Math.max(0, Math.round(byte)))
      }
    return { width, height, data }
  })
  return { slices, note: asPhoto ? undefined : noteOf(count) }
}

function noteOf(count: number): string {
  const scaled = 'scaled from the least to the largest value'
  if (count === 1) return `The maps lie on the input in grey, ${scaled}.`
  if (count === 2) return `The maps lie on the first of 2 channels in grey, ${scaled}.`
  return `The maps lie on ${count === 3 ? 'the three channels' : `channels 1, 2 and 3 of ${count}`} as red, green and blue, each ${scaled}.`
}

/** From a preprocessed value of a channel to 0..255. */
function undoing(spec: PreprocessSpec): (channel: number, value: number) => number {
  return (c, value) => (value * (spec.std[c] ?? 1) + (spec.mean[c] ?? 0)) / spec.rescale
}

/** Beyond 0..255 by rounding, or by a resize that overshoots. */
const SLACK = 8
/** The share of values that may lie beyond all the same. */
const OUTLIERS = 0.01

/** True where the values can be those of a preprocessed photo. */
function isPhoto(
  planes: readonly (readonly Float32Array[])[],
  shown: readonly number[],
  undone: (channel: number, value: number) => number,
): boolean {
  let [all, beyond] = [0, 0]
  for (const parts of planes)
    for (const [i, part] of parts.entries())
      for (const value of part) {
        const byte = undone(shown[i] ?? 0, value)
        all++
        if (byte < -SLACK || byte > 255 + SLACK) beyond++
      }
  return beyond <= all * OUTLIERS
}

/** To 0..255 from the least to the largest value; mid grey where all are one. */
function fromRange(planes: readonly (Float32Array | undefined)[]): (value: number) => number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const plane of planes)
    for (const v of plane ?? []) {
      if (v < low) low = v
      if (v > high) high = v
    }
  return (value) => (high > low ? ((value - low) / (high - low)) * 255 : 128)
}
