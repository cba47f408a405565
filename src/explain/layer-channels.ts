/** The channels of a layer that weigh most in a class' Grad-CAM map, each laid on the picture. */
import { ExplainError } from '../core/errors.js'
import { sizeOf, sliceFirst, type Tensor } from '../core/tensor.js'
import { gradCam } from '../methods/grad-cam.js'
import type { GivenTarget, Target } from '../targets/index.js'
import type { Score } from '../targets/target.js'
import type { DetectionOptions } from './detect.js'
import {
  type ExplainedAnswer,
  type FedInput,
  type Lifting,
  onPicture,
  type Provenance,
  type SizedMaps,
} from './explanation.js'
import { type PlacedModel, placeMap } from './place.js'
import type { TokenGrid } from './plan.js'
import type { ImageOptions } from './prepare.js'
import { type Occasion, provenanceOf, type TracedModel } from './provenance.js'
import type { ChannelsRun } from './runs.js'

export interface LayerChannelsOptions extends ImageOptions {
  /** Value name of the layer. Default: the last feature map before pooling. */
  readonly layer?: string | undefined
  /** The grid of the layer's tokens, `14x14` or `14x14+1`. Default: found from the graph. */
  readonly grid?: string | undefined
  /** What is explained, as for {@link ExplainOptions}. Default: the best answer. */
  readonly target?: GivenTarget
  /** Which boxes a detector finds, where one of them is explained. */
  readonly detection?: DetectionOptions | undefined
  /** What is explained of the class. Default: `logit`. */
  readonly score?: Score | undefined
  /** How many channels. Default: 8. */
  readonly top?: number
  readonly signal?: AbortSignal | undefined
}

/** A channel of a layer: plain data. */
export interface LayerChannelData {
  /** Its place among the layer's channels. */
  readonly index: number
  /** Grad-CAM's weight: the mean, over the layer's places, of the gradient of the class' score by this channel. */
  readonly weight: number
  /** `weight` times the channel's mean over places: what it adds to the mean of the Grad-CAM map. */
  readonly share: number
  /** The activation, signed, as computed: `[h,w]`, of volumes and clips `[d,h,w]`, of signals `[w]`. */
  readonly raw: Tensor<'float32'>
}

/** What is told of a layer's channels; plain data. */
interface Told {
  readonly layer: string
  /** How the layer's tokens were read; null where it is a map as it stands. */
  readonly tokens: TokenGrid | null
  readonly target: Target
  readonly answer: ExplainedAnswer
  /** The picture's input. */
  readonly input: string
  /** The picture as the model was fed it, without the batch axis. */
  readonly fed: FedInput
  /** True for pictures, volumes and clips; false for signals. */
  readonly drawable: boolean
  /** How many channels the layer has. */
  readonly count: number
  /** The shares of all of them summed: the mean of the Grad-CAM map. */
  readonly total: number
  readonly provenance: Provenance
}

/** All that {@link LayerChannels} are made of: plain data, as `structuredClone` and `postMessage` take it. */
export interface LayerChannelsData extends Told {
  readonly channels: readonly LayerChannelData[]
  readonly lifting: Lifting
}

/** A channel of a layer, laid on the picture as explanations are. */
export interface LayerChannel extends LayerChannelData, SizedMaps {}

export interface LayerChannels extends Told {
  /** The channels with the largest share by magnitude, largest first. `sum_k weight_k A^k` over all channels is the raw Grad-CAM map. */
  readonly channels: readonly LayerChannel[]
  /** What {@link layerChannelsOf} makes these of. */
  readonly data: LayerChannelsData
}

const DEFAULT_TOP = 8

/** The channels that this data tells of. */
export function layerChannelsOf(data: LayerChannelsData): LayerChannels {
  const { channels, lifting, ...told } = data
  return { ...told, channels: channels.map((c) => ({ ...c, ...onPicture(c.raw, lifting) })), data }
}

/** Throws `bad-option` unless it is a number of channels. */
export function channelCount(top: number = DEFAULT_TOP): number {
  if (Number.isInteger(top) && top >= 1) return top
  throw new ExplainError('bad-option', { what: `top is ${top}, which is no number of channels`, where: 'top' })
}

/** The `top` channels of a run. */
export function topChannels(
  model: PlacedModel & TracedModel,
  occasion: Occasion,
  run: ChannelsRun,
  { target, answer }: { readonly target: Target; readonly answer: ExplainedAnswer },
  top: number,
): LayerChannels {
  const { plan, features, weights } = run
  const shares = sharesOf(features, weights)
  const channels = largest(shares, top).map((index): LayerChannelData => {
    const { dims, data } = sliceFirst(features, index)
    // of its own: a view would take the whole layer along to another thread
    const raw = { type: 'float32', dims, data: data.slice() } as const
    return { index, weight: weights.data[index] ?? 0, share: shares[index] ?? 0, raw }
  })
  const { name: input } = model.input
  const place = placeMap(model, sliceFirst(features, 0), { method: gradCam, input, prepared: occasion.prepared })
  const { layer, tokens, notes } = plan
  const making = { method: gradCam.id, options: {}, layer, tokens, input, notes }
  return layerChannelsOf({
    layer,
    tokens: tokens ?? null,
    target,
    answer,
    input,
    fed: place.fed,
    drawable: place.drawable,
    count: shares.length,
    total: shares.reduce((sum, share) => sum + share, 0),
    provenance: provenanceOf(model, occasion, making, target, answer),
    channels,
    lifting: place.lifting,
  })
}

/** Each channel's weight times its mean over places. */
function sharesOf({ dims, data }: Tensor<'float32'>, weights: Tensor<'float32'>): Float64Array {
  const places = sizeOf(dims.slice(1))
  return Float64Array.from(weights.data, (weight, k) => {
    let sum = 0
    for (const v of data.subarray(k * places, (k + 1) * places)) sum += v
    return (weight * sum) / places
  })
}

/** Indices of the largest magnitudes, largest first; what is not finite comes before all, to be seen. */
function largest(values: Float64Array, count: number): readonly number[] {
  const size = (i: number): number => {
    const v = Math.abs(values[i] ?? 0)
    return Number.isNaN(v) ? Number.POSITIVE_INFINITY : v
  }
  return Array.from(values.keys())
    .sort((a, b) => (size(a) === size(b) ? a - b : size(b) - size(a)))
    .slice(0, count)
}
