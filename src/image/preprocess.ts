/** Picture to model input, and the geometry that leads back. */
import { ExplainError } from '../core/errors.js'
import type { Geometry } from './geometry.js'
import { crop, flatten, greyscale, type Picture, type Size } from './picture.js'
import { resize } from './resize.js'
import type { PreprocessSpec, ResizeRule } from './spec.js'

export { parsePreprocessorConfig } from './preprocessor-config.js'
export { imagenetPreprocessing, letterboxed, type Padding, type PreprocessSpec, type ResizeRule } from './spec.js'

/** A picture as the model takes it, without the batch axis. */
export interface Preprocessed {
  readonly data: Float32Array
  /** `[C, H, W]` for layout NCHW, `[H, W, C]` for NHWC. */
  readonly dims: number[]
  readonly geometry: Geometry
}

/**
 * Turns a picture into a model's input.
 *
 * Transparent pictures are put on white first (opaque ones are as Pillow's `convert('RGB')` gives them). Sizes and crop
 * offsets are those of transformers: the longer edge is truncated (`int(size * long / short)`), the crop starts at
 * `floor((size - crop) / 2)`. Values are computed in double precision and rounded once.
 *
 * Throws `invalid-image`; `image-too-large`; `bad-option` for a spec that cannot be carried out.
 */
export function preprocess(picture: Picture, spec: PreprocessSpec): Preprocessed {
  const order = checkSpec(spec)
  const opaque = flatten(picture)
  const source = { width: picture.width, height: picture.height }
  const scaled = resizedSize(source, spec.resize)
  const sized = resize(spec.channels === 'L' ? greyscale(opaque) : opaque, scaled.width, scaled.height, spec.filter)
  if (spec.pad && (scaled.width > spec.pad.width || scaled.height > spec.pad.height))
    throw new ExplainError('bad-option', {
      what: `The picture is ${scaled.width} x ${scaled.height} pixels when it is scaled, larger than the ${spec.pad.width} x ${spec.pad.height} that it is to be padded to`,
      where: `preprocessing from ${spec.source}`,
      remedy: 'Scale it to fit: { "kind": "fit", "height": ..., "width": ... }.',
    })
  const model = spec.crop ?? spec.pad ?? scaled
  const { left, top } = corner(scaled, spec)
  const window = crop(sized, left, top, model.width, model.height)
  const inside = { left: -left, top: -top, right: scaled.width - left, bottom: scaled.height - top }

  const planes = order.length
  const area = model.width * model.height
  const data = new Float32Array(planes * area)
  const [pixelStep, channelStep] = spec.layout === 'NCHW' ? [1, area] : [planes, 1]
  order.forEach((channel, c) => {
    const value = valueTable(spec, c)
    const outside = spec.pad === undefined || spec.pad.fill === 'mean' ? 0 : normalise(spec, c, spec.pad.fill)
    for (let y = 0, i = 0; y < model.height; y++) {
      const rowInside = y >= inside.top && y < inside.bottom
      for (let x = 0; x < model.width; x++, i++) {
        const padded = spec.pad !== undefined && !(rowInside && x >= inside.left && x < inside.right)
        const byte = window.data[4 * i + channel] as number
        data[i * pixelStep + c * channelStep] = padded ? outside : (value[byte] as number)
      }
    }
  })

  const [perX, perY] = [source.width / scaled.width, source.height / scaled.height]
  return {
    data,
    dims: spec.layout === 'NCHW' ? [planes, model.height, model.width] : [model.height, model.width, planes],
    geometry: {
      source,
      model: { width: model.width, height: model.height },
      seen: {
        x0: left * perX,
        y0: top * perY,
        x1: (left + model.width) * perX,
        y1: (top + model.height) * perY,
      },
    },
  }
}

/** The picture's size after scaling. Never below one pixel, however long and thin the picture is. */
export function resizedSize(source: Size, rule: ResizeRule): Size {
  const { width, height } = source
  const short = Math.min(width, height)
  const long = Math.max(width, height)
  const oriented = (s: number, l: number): Size => {
    const [toShort, toLong] = [Math.max(1, s), Math.max(1, l)]
    return width <= height ? { width: toShort, height: toLong } : { width: toLong, height: toShort }
  }
  switch (rule.kind) {
    case 'none':
      return { width, height }
    case 'exact':
      return { width: rule.width, height: rule.height }
    case 'shortest-edge': {
      const { size, limit = Number.POSITIVE_INFINITY, step = 1 } = rule
      // in this order, so that it rounds as Python does: the longer edge may come out one below the limit
      const exact = (long / short) * size > limit ? (limit * short) / long : size
      const shorter = halfToEven(exact)
      const longer = shorter === short ? long : Math.trunc((exact * long) / short)
      const down = (v: number): number => v - (v % step)
      return oriented(down(shorter), down(longer))
    }
    case 'longest-edge':
      return oriented(Math.floor((short * rule.size) / long + 0.5), rule.size)
    case 'fit': {
      const ratio = Math.min(rule.height / height, rule.width / width)
      return { width: Math.max(1, halfToEven(width * ratio)), height: Math.max(1, halfToEven(height * ratio)) }
    }
    case 'cover':
      return rule.width * height >= rule.height * width
        ? { width: rule.width, height: Math.trunc((rule.width * height) / width) }
        : { width: Math.trunc((rule.height * width) / height), height: rule.height }
  }
}

/** As Python's `round`. */
function halfToEven(v: number): number {
  const below = Math.floor(v)
  return v - below === 0.5 ? below + (below % 2) : Math.round(v)
}

/** The window's top left corner on the scaled picture; negative where the picture is smaller. */
function corner(scaled: Size, spec: PreprocessSpec): { left: number; top: number } {
  if (spec.crop)
    return {
      left: Math.floor((scaled.width - spec.crop.width) / 2),
      top: Math.floor((scaled.height - spec.crop.height) / 2),
    }
  if (spec.pad === undefined || spec.pad.at === 'top-left') return { left: 0, top: 0 }
  return {
    left: -Math.floor((spec.pad.width - scaled.width) / 2) || 0,
    top: -Math.floor((spec.pad.height - scaled.height) / 2) || 0,
  }
}

function normalise(spec: PreprocessSpec, channel: number, pixel: number): number {
  return (pixel * spec.rescale - (spec.mean[channel] as number)) / (spec.std[channel] as number)
}

const valueTable = (spec: PreprocessSpec, channel: number): Float32Array =>
  Float32Array.from({ length: 256 }, (_, pixel) => normalise(spec, channel, pixel))

const CHANNEL_ORDER = { RGB: [0, 1, 2], BGR: [2, 1, 0], L: [0] } as const

/** The RGBA channels to take, in order; throws `bad-option` where the spec contradicts itself. */
function checkSpec(spec: PreprocessSpec): readonly number[] {
  const order = CHANNEL_ORDER[spec.channels]
  const bad = (what: string, remedy: string): ExplainError =>
    new ExplainError('bad-option', { what, where: `preprocessing from ${spec.source}`, remedy, details: { spec } })
  for (const name of ['mean', 'std'] as const)
    if (spec[name].length !== order.length || !spec[name].every(Number.isFinite))
      throw bad(
        `${name} is [${spec[name].join(', ')}], but ${spec.channels} has ${order.length} channels`,
        'Give one finite number for each channel.',
      )
  if (spec.std.includes(0)) throw bad(`std is [${spec.std.join(', ')}]`, 'No channel can be divided by 0.')
  if (!Number.isFinite(spec.rescale)) throw bad(`rescale is ${spec.rescale}`, 'Give a finite number, such as 1/255.')
  if (spec.crop && spec.pad) throw bad('Both crop and pad are set', 'Give one of the two.')
  return order
}
