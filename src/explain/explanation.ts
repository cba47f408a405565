/** What an explanation is: the raw map, the map on the picture, what it says of itself, and how to make it again. */
import { type Grid, gridOf, planeOf } from '../core/layout.js'
import { type DataType, sizeOf, type Tensor } from '../core/tensor.js'
import {
  type Box,
  type Geometry,
  liftToPicture,
  type PreprocessSpec,
  resizePlane,
  type Size,
  scaleGeometry,
} from '../image/index.js'
import type { ChannelReduction, MethodInfo } from '../methods/method.js'
import type { FinalActivation } from '../targets/answer.js'
import type { Target } from '../targets/index.js'
import type { Diagnosis } from './diagnose.js'
import type { TokenGrid } from './plan.js'

/** One of the model's answers. */
export interface ClassAnswer {
  readonly index: number
  /** The class' name; `class 285` where the model has no labels. */
  readonly label: string
  readonly logit: number
  /** 0 to 1. */
  readonly probability: number
}

/** What an explanation is of, and its score. */
export interface ExplainedAnswer {
  /** The class that the target is about; -1 where it is about none. */
  readonly index: number
  /** The class' name; of other targets what they are called: a word, `dog rather than cat`. */
  readonly label: string
  /** The class' logit; of other targets the target's score. */
  readonly logit: number
  /** 0 to 1; null for targets that are no class of a classifier. */
  readonly probability: number | null
  /** Equal for explanations of the same target. */
  readonly key: string
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
  /** Slices of a volume or frames of a clip; 1 for pictures. */
  readonly depth: number
  /** `[height, width]`, or `[depth, height, width]`; 0 where the network did not see the picture. Made when first read, and kept. */
  readonly data: Float32Array
  /** The part of the picture that the network saw, in pixels. */
  readonly seen: Box
}

/** All that is needed to make the map again; plain JSON. */
export interface Provenance {
  readonly onnxplain: string
  readonly runtime: string
  /** The hash of the model's file; null, with a note, on web pages that are not secure (http, other than from this machine): there is nothing to hash with. */
  readonly model: { readonly name: string; readonly sha256: string | null }
  readonly method: string
  readonly options: Readonly<Record<string, number | string>>
  readonly layer: string | null
  /** How the layer's tokens were read; null where it is a map as it stands, or there is none. */
  readonly tokens: TokenGrid | null
  /** How the maps of several layers became one; `layer` names them all then, and `layers` each. */
  readonly fusion?: 'mean' | 'max' | 'product'
  readonly layers?: readonly string[]
  /** The copies of which the map is the mean. */
  readonly smoothing?: {
    readonly kind: 'flip' | 'augment' | 'noise'
    readonly copies: number
    readonly noise?: number
    readonly seed?: number
  }
  /** The preset of another library that the map follows. */
  readonly like?: string
  /** The input that the map explains. */
  readonly input: string
  /** What the other inputs were given. */
  readonly inputs: Readonly<Record<string, ProvenanceInput>>
  readonly target: Target
  readonly answer: {
    readonly index: number
    readonly label: string
    readonly logit: number
    readonly probability: number | null
    /** The value whose logit was explained, and the activation that the model has behind it. */
    readonly logits: string
    readonly activation: FinalActivation
  }
  /** null where an already preprocessed tensor was given. */
  readonly preprocessing: PreprocessSpec | null
  readonly notes: readonly string[]
}

/** What an input was given: its values where they are few, else their SHA-256 (of the bytes, little-endian; null where the model's is). */
export interface ProvenanceInput {
  readonly type: DataType
  readonly dims: readonly number[]
  /** Integers of 64 bits as text. */
  readonly values: readonly (number | string)[] | null
  readonly sha256: string | null
}

/** What an input was fed, and what its axes mean: `CHW`, `HWC`, `CDHW`, ...; `HW` for inputs that are no pictures. */
export interface FedInput extends Tensor<'float32'> {
  readonly layout: string
}

/** A map on the pixels of a picture. */
export interface PictureMaps {
  readonly heatmap: Heatmap
  /**
   * A pixel map by channel, `[C,H,W]` (red, green, blue where there are three), on the pixels of the picture, or `[C,D,H,W]`; NaN where
   * the network did not see it. undefined for maps of one value a place. Made at each call.
   */
  readonly channels: (() => Float32Array) | undefined
}

/** What an explanation tells; plain data. */
interface Told {
  readonly method: MethodInfo
  readonly target: Target
  readonly answer: ExplainedAnswer
  /** The input that is explained: the picture's, or another one that was asked for by `wrt`. */
  readonly input: string
  readonly raw: RawMap
  /** The explained input as the model was fed it, without the batch axis. */
  readonly fed: FedInput
  /**
   * True where the map lies on a picture, a volume or a clip. False for inputs that are none, and for signals: `heatmap` is then the map
   * as rows of its last axis.
   */
  readonly drawable: boolean
  /** Why the map is odd, where it is. */
  readonly diagnosis: readonly Diagnosis[]
  readonly provenance: Provenance
}

/**
 * All that an explanation is made of: plain data, as `structuredClone` and `postMessage` take it. {@link explanationOf} makes the explanation
 * of it again, on another thread for instance.
 */
export interface ExplanationData extends Told {
  /** The map that is laid on the picture: `raw`, or its values in two axes where its input is no picture. */
  readonly map: Tensor<'float32'>
  readonly lifting: Lifting
}

/** Maps on the picture, at its own size and at any other. */
export interface SizedMaps extends PictureMaps {
  /**
   * The map on the picture scaled to another size, made from the raw map: a drawing of a large photo need not hold it in full.
   *
   * @param channels how colour channels become one number; default: as the method has it.
   */
  at(size: Size, channels?: ChannelReduction): PictureMaps
}

export interface Explanation extends Told, SizedMaps {
  /** What {@link explanationOf} makes this explanation of. */
  readonly data: ExplanationData
}

/** What a raw map's axes are, and where they lie on the picture; plain data. */
export interface Lifting {
  readonly geometry: Geometry
  /** Slices or frames of the input: 1 for pictures. */
  readonly depth: number
  /** The axes of the raw map: `CHW`, `HWC`, `CDHW`, ... for pixel maps, `HW`, `DHW` or `W` for others. */
  readonly layout: string
  readonly order: PreprocessSpec['channels']
  readonly reduction: ChannelReduction | undefined
}

/** The explanation that this data tells of. */
export function explanationOf(data: ExplanationData): Explanation {
  const { map, lifting, ...told } = data
  return { ...told, ...onPicture(map, lifting), data }
}

/** A raw map on its picture, at the picture's own size and at any other. Nothing is lifted before it is read. */
export function onPicture(raw: Tensor<'float32'>, lifting: Lifting): SizedMaps {
  const { geometry, reduction } = lifting
  const maps = (place: Geometry, channels: ChannelReduction | undefined): PictureMaps => ({
    heatmap: toHeatmap(raw, place, lifting, channels),
    channels: lifting.layout.includes('C') ? () => liftChannels(raw, place, lifting) : undefined,
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
  { depth, layout }: Lifting,
  channels: ChannelReduction | undefined,
): Heatmap {
  const { source, seen } = geometry
  let lifted: Float32Array | undefined
  return {
    width: source.width,
    height: source.height,
    depth,
    get data() {
      lifted ??= liftVolume(
        layout.includes('C') ? reduceChannels(raw, layout, channels ?? 'sum') : raw,
        depth,
        geometry,
        0,
      )
      return lifted
    },
    seen,
  }
}

/** `[d,h,w]`, `[h,w]` or `[w]` on the picture: `[depth, height, width]`. Slices are resized linearly, as rows and columns are. */
function liftVolume(map: Tensor<'float32'>, depth: number, geometry: Geometry, outside: number): Float32Array {
  const { D, H, W } = gridOf('DHW', map.dims)
  const area = H.extent * W.extent
  const deep = D.extent === depth ? map.data : resizePlane(map.data, area, D.extent, area, depth, 'bilinear')
  const { source } = geometry
  const out = new Float32Array(depth * source.width * source.height)
  for (let z = 0; z < depth; z++) {
    const slice = deep.subarray(z * area, (z + 1) * area)
    const lifted = liftToPicture(slice, W.extent, H.extent, geometry, { outside })
    out.set(lifted, z * lifted.length)
  }
  return out
}

/** The channels of a pixel map on the picture, in the order red, green, blue. */
function liftChannels(raw: Tensor<'float32'>, geometry: Geometry, { depth, layout, order }: Lifting): Float32Array {
  const grid = gridOf(layout, raw.dims)
  const count = grid.C.extent
  const { source } = geometry
  const size = depth * source.width * source.height
  const out = new Float32Array(count * size)
  for (let c = 0; c < count; c++) {
    const volume = channelOf(raw, grid, c)
    const place = order === 'BGR' ? count - 1 - c : c
    out.set(liftVolume(volume, depth, geometry, Number.NaN), place * size)
  }
  return out
}

/** One channel, `[D,H,W]`. */
function channelOf(raw: Tensor<'float32'>, grid: Grid, channel: number): Tensor<'float32'> {
  const { D, H, W } = grid
  const data = new Float32Array(D.extent * H.extent * W.extent)
  for (let z = 0; z < D.extent; z++) data.set(planeOf(raw.data, grid, channel, z), z * H.extent * W.extent)
  return { type: 'float32', dims: [D.extent, H.extent, W.extent], data }
}

/** A pixel map with its channels made one: `[C,H,W]` or `[H,W,C]` to `[H,W]`, volumes and clips to `[D,H,W]`. */
export function reduceChannels(raw: Tensor<'float32'>, layout: string, how: ChannelReduction): Tensor<'float32'> {
  const grid = gridOf(layout, raw.dims)
  const dims = (['D', 'H', 'W'] as const).filter((l) => layout.includes(l)).map((l) => grid[l].extent)
  const out = new Float32Array(sizeOf(dims))
  for (let c = 0; c < grid.C.extent; c++)
    for (const [i, v] of channelOf(raw, grid, c).data.entries()) {
      const before = out[i] ?? 0
      out[i] = how === 'sum' ? before + v : Math.max(before, Math.abs(v))
    }
  return { type: 'float32', dims, data: out }
}
