/** What an explanation is: the raw map, the map on the picture, what it says of itself, and how to make it again. */
import { sizeOf, type Tensor } from '../core/tensor.js'
import {
  type Box,
  type Geometry,
  liftToPicture,
  type PreprocessSpec,
  type Size,
  scaleGeometry,
} from '../image/index.js'
import type { ChannelReduction, Method } from '../methods/method.js'
import type { FinalActivation } from '../targets/answer.js'
import type { Target } from '../targets/target.js'
import type { Diagnosis } from './diagnose.js'

/** One of the model's answers. */
export interface ClassAnswer {
  readonly index: number
  /** The class' name; `class 285` where the model has no labels. */
  readonly label: string
  readonly logit: number
  /** 0 to 1. */
  readonly probability: number
}

/** The signed map as computed: never clipped, never scaled. */
export interface RawMap extends Tensor<'float32'> {
  /** The layer it was taken at; undefined for maps at the model's input. */
  readonly layer: string | undefined
}

/**
 * A map on the pixels of the picture, in the raw map's units. Signed as the raw map is, save where colour channels become one number by
 * their largest magnitude (`channels: 'max-abs'` of the method, as for plain gradients): those are never negative.
 */
export interface Heatmap {
  readonly width: number
  readonly height: number
  /** `[height, width]`; 0 where the network did not see the picture. Made when first read, and kept: it has the picture's size. */
  readonly data: Float32Array
  /** The part of the picture that the network saw, in pixels. */
  readonly seen: Box
}

/** All that is needed to make the map again; plain JSON. */
export interface Provenance {
  readonly onnxplain: string
  readonly runtime: string
  readonly model: { readonly name: string; readonly sha256: string }
  readonly method: string
  readonly options: Readonly<Record<string, number | string>>
  readonly layer: string | null
  readonly target: Target
  readonly answer: {
    readonly label: string
    readonly logit: number
    readonly probability: number
    /** The value whose logit was explained, and the activation that the model has behind it. */
    readonly logits: string
    readonly activation: FinalActivation
  }
  /** null where an already preprocessed tensor was given. */
  readonly preprocessing: PreprocessSpec | null
  readonly notes: readonly string[]
}

/** A map on the pixels of a picture. */
export interface PictureMaps {
  readonly heatmap: Heatmap
  /**
   * A pixel map by colour channel, `[3,H,W]` (red, green, blue) or `[1,H,W]`, on the pixels of the picture; NaN where the network did not
   * see it. undefined for maps of one value a place. Made at each call.
   */
  readonly channels: (() => Float32Array) | undefined
}

export interface Explanation extends PictureMaps {
  readonly method: Method
  readonly target: Target
  readonly answer: ClassAnswer
  readonly raw: RawMap
  /**
   * The map on the picture scaled to another size, made from the raw map: a drawing of a large photo need not hold it in full.
   *
   * @param channels how colour channels become one number; default: as the method has it.
   */
  at(size: Size, channels?: ChannelReduction): PictureMaps
  /** Why the map is odd, where it is. */
  readonly diagnosis: readonly Diagnosis[]
  readonly provenance: Provenance
}

/** What a raw map's values are, and where they lie on the picture. */
export interface Lifting {
  readonly geometry: Geometry
  readonly layout: 'NCHW' | 'NHWC'
  readonly order: PreprocessSpec['channels']
  readonly reduction: ChannelReduction | undefined
}

/** A raw map on its picture, at the picture's own size and at any other. Nothing is lifted before it is read. */
export function onPicture(raw: Tensor<'float32'>, lifting: Lifting): PictureMaps & Pick<Explanation, 'at'> {
  const { geometry, layout, order, reduction } = lifting
  const maps = (place: Geometry, channels: ChannelReduction | undefined): PictureMaps => ({
    heatmap: toHeatmap(raw, place, layout, channels),
    channels: raw.dims.length === 3 ? () => liftChannels(raw, place, layout, order) : undefined,
  })
  return {
    ...maps(geometry, reduction),
    at: ({ width, height }, channels = reduction) => maps(scaleGeometry(geometry, { width, height }), channels),
  }
}

/** A raw map on the picture's pixels. Pixel maps become one number a pixel first. */
function toHeatmap(
  raw: Tensor<'float32'>,
  geometry: Geometry,
  layout: 'NCHW' | 'NHWC',
  channels: ChannelReduction | undefined,
): Heatmap {
  const { source, seen } = geometry
  let lifted: Float32Array | undefined
  const lift = (): Float32Array => {
    const plane = raw.dims.length === 3 ? reduceChannels(raw, layout, channels ?? 'sum') : raw
    const [height = 0, width = 0] = plane.dims
    return liftToPicture(plane.data, width, height, geometry)
  }
  return {
    width: source.width,
    height: source.height,
    get data() {
      lifted ??= lift()
      return lifted
    },
    seen,
  }
}

/** The planes of a pixel map on the picture, in the order red, green, blue. */
function liftChannels(
  raw: Tensor<'float32'>,
  geometry: Geometry,
  layout: 'NCHW' | 'NHWC',
  order: PreprocessSpec['channels'],
): Float32Array {
  const [height = 0, width = 0, count = 0] = layout === 'NCHW' ? [...raw.dims.slice(1), raw.dims[0] ?? 0] : raw.dims
  const area = width * height
  const { source } = geometry
  const out = new Float32Array(count * source.width * source.height)
  for (let c = 0; c < count; c++) {
    const plane = Float32Array.from(
      { length: area },
      (_, i) => raw.data[layout === 'NCHW' ? c * area + i : i * count + c] ?? 0,
    )
    const place = order === 'BGR' ? count - 1 - c : c
    const lifted = liftToPicture(plane, width, height, geometry, { outside: Number.NaN })
    out.set(lifted, place * source.width * source.height)
  }
  return out
}

/** `[C,H,W]` or `[H,W,C]` to `[H,W]`. */
export function reduceChannels(
  raw: Tensor<'float32'>,
  layout: 'NCHW' | 'NHWC',
  how: ChannelReduction,
): Tensor<'float32'> {
  const { dims, data } = raw
  const channels = (layout === 'NCHW' ? dims[0] : dims[2]) ?? 1
  const size = layout === 'NCHW' ? dims.slice(1) : dims.slice(0, 2)
  const area = sizeOf(size)
  const out = new Float32Array(area)
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < area; i++) {
      const v = data[layout === 'NCHW' ? c * area + i : i * channels + c] ?? 0
      const before = out[i] ?? 0
      out[i] = how === 'sum' ? before + v : Math.max(before, Math.abs(v))
    }
  return { type: 'float32', dims: size, data: out }
}
