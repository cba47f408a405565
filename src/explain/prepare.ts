/** A picture or a tensor, and what the other inputs are given, made what the model is fed. */
import { ExplainError } from '../core/errors.js'
import { countNotFinite } from '../core/extremes.js'
import { gridOf, type InputLayout } from '../core/layout.js'
import { float32, type Tensor } from '../core/tensor.js'
import {
  adjustPreprocessing,
  type Geometry,
  type Picture,
  type PreprocessSpec,
  preprocess,
  type Size,
} from '../image/index.js'
import type { Graph } from '../onnx/ir.js'
import type { Feed } from './feed.js'
import type { PictureInput } from './input.js'
import { type GivenInputs, type OtherInput, readGiven } from './others.js'
import { type ModelText, type TextOptions, textFeeds } from './written.js'

/**
 * A picture, or an already preprocessed tensor as the model takes it, with or without the batch axis of 1: `[C,H,W]`, for volumes and clips
 * `[C,D,H,W]`, for signals `[C,T]`, or channels last; or what `Model.prepare` made of one, for several questions about it.
 */
export type Image = Picture | Tensor<'float32'> | Prepared

/** What goes with a picture. */
export interface ImageOptions extends TextOptions {
  /**
   * What the model's other inputs are given, by name: tensors, or plain numbers in the input's shape (without the batch axis, if liked),
   * converted to the input's type. All that the answer needs must be given.
   */
  readonly inputs?: GivenInputs | undefined
  /** Size of the model's input in pixels, for models that take any size. Default: as the preprocessing has it. Not for tensors. */
  readonly size?: Size | number | undefined
}

/** What a picture became, together with what the other inputs were given: what the model is fed. */
export interface Prepared {
  readonly feed: Feed
  readonly geometry: Geometry
  /** Slices or frames. */
  readonly depth: number
  /** null where an already preprocessed tensor was given. */
  readonly preprocessing: PreprocessSpec | null
}

/** What a model takes. */
export interface Intake {
  readonly graph: Graph
  readonly input: PictureInput
  readonly others: readonly OtherInput[]
  readonly preprocessing: PreprocessSpec | undefined
  /** What is known of its words. */
  readonly text?: ModelText | undefined
}

/**
 * Makes a picture what the model is fed. Throws `missing-input` and what else {@link readGiven} throws; `no-image-input` for a photo to a
 * model that takes none; `invalid-tensor`, `shape-mismatch`.
 */
export function prepareImage(model: Intake, image: Image, options: ImageOptions): Prepared {
  if ('feed' in image) return image
  const { layout } = model.input
  const given = { ...textFeeds(model.others, model.text, options), ...options.inputs }
  const others = readGiven(model.others, given, model.input, model.graph)
  if (!('dims' in image)) {
    if (!model.preprocessing) throw tensorsOnly(model.input)
    const preprocessing = adjustPreprocessing(model.preprocessing, { size: options.size })
    const { data, dims, geometry } = preprocess(image, preprocessing)
    checkSize(model.input, dims)
    return { feed: { pictures: float32([1, ...dims], data), others }, geometry, depth: 1, preprocessing }
  }
  const dims = image.dims.length === layout.length - 1 ? [1, ...image.dims] : image.dims
  const axes = [...layout.slice(1)].join(', ')
  if (dims.length !== layout.length || dims[0] !== 1)
    throw new ExplainError('invalid-tensor', {
      what: `A tensor of shape [${image.dims.join(', ')}] is not one ${kindOf(layout)}`,
      remedy: `Give [${axes}] or [1, ${axes}], as the model takes it.`,
    })
  checkSize(model.input, dims.slice(1))
  if (countNotFinite(image.data) > 0)
    throw new ExplainError('invalid-tensor', { what: 'The tensor holds values that are not finite' })
  const { D, H, W } = gridOf(layout, dims)
  const pictures = float32(dims, image.data)
  return { feed: { pictures, others }, geometry: itself(W.extent, H.extent), depth: D.extent, preprocessing: null }
}

function tensorsOnly({ name, layout, channels }: PictureInput): ExplainError {
  return new ExplainError('no-image-input', {
    what: `This model takes no photos: its input is one ${kindOf(layout)} of ${channels} channel${channels === 1 ? '' : 's'}`,
    where: `input "${name}"`,
    remedy: `Give an array [${[...layout.slice(1)].join(', ')}], preprocessed as the model wants it: --tensor FILE.npy, or a tensor in the library.`,
  })
}

function checkSize({ name, layout, channels, depth, height, width }: PictureInput, dims: readonly number[]): void {
  const sizes: Readonly<Record<string, number | undefined>> = { C: channels, D: depth, H: height, W: width }
  const want = [...layout.slice(1)].map((letter) => sizes[letter])
  if (want.every((w, i) => w === undefined || w === dims[i])) return
  throw new ExplainError('shape-mismatch', {
    what: `The model takes [${want.map((w) => w ?? 'any').join(', ')}], but the input is [${dims.join(', ')}]`,
    where: `input "${name}"`,
    remedy: 'Check the preprocessing (size, crop, channels) or the tensor.',
  })
}

/** The geometry of an input that is its own picture. */
export function itself(width: number, height: number): Geometry {
  const size = { width, height }
  return { source: size, model: size, seen: { x0: 0, y0: 0, x1: width, y1: height } }
}

function kindOf(layout: InputLayout): string {
  return layout.includes('D') ? 'volume or clip' : layout.includes('H') ? 'picture' : 'signal'
}
