/** What is done to a picture before a network sees it, as data; and the usual thing where nobody says. */
import { checkSize } from './picture.js'
import type { Filter } from './resize.js'

/** How a picture is scaled. Sizes are in pixels; the aspect ratio is kept except by `exact`. */
export type ResizeRule =
  /**
   * The shorter edge becomes `size`, the longer `trunc(size * longer / shorter)`. Where that were more than `limit`, the longer becomes `limit` and the shorter is
   * rounded half to even, as transformers has it (`get_size_with_aspect_ratio`). Both are then rounded down to multiples of `step` (YOLOS: 16), if given.
   */
  | { readonly kind: 'shortest-edge'; readonly size: number; readonly limit?: number; readonly step?: number }
  /** The longer edge becomes `size`, the shorter is rounded half up. */
  | { readonly kind: 'longest-edge'; readonly size: number }
  /** Stretched to this size. */
  | { readonly kind: 'exact'; readonly height: number; readonly width: number }
  /** The smallest size that covers this rectangle; one edge fits, the other is truncated as for `shortest-edge`. */
  | { readonly kind: 'cover'; readonly height: number; readonly width: number }
  /** The largest size within this rectangle; the edge that does not fill it is rounded half to even, as Ultralytics' letterbox has it. */
  | { readonly kind: 'fit'; readonly height: number; readonly width: number }
  | { readonly kind: 'none' }

/** A canvas larger than the picture: letterboxing. */
export interface Padding {
  readonly height: number
  readonly width: number
  /** Where the picture lies; at the centre, the odd pixel goes to the right and the bottom. */
  readonly at: 'centre' | 'top-left'
  /** The value around it: a pixel value 0 to 255 in every channel (114 for YOLO), or `mean`, which is 0 after normalisation. */
  readonly fill: number | 'mean'
}

/**
 * Preprocessing, in this order: composite on white, convert to `channels`, `resize`, `crop` or `pad`, then
 * `(pixel * rescale - mean) / std` for each channel. Plain data: survives `JSON.stringify`.
 */
export interface PreprocessSpec {
  readonly resize: ResizeRule
  readonly filter: Filter
  /** Centre crop, in pixels; where the picture is smaller, black is added around it. Not together with `pad`. */
  readonly crop: { readonly height: number; readonly width: number } | undefined
  readonly pad?: Padding
  /** Factor for the pixel values 0 to 255; usually 1/255. */
  readonly rescale: number
  /** One value per channel, in the order of `channels`, in units of the rescaled values. */
  readonly mean: readonly number[]
  /** As `mean`; not 0. */
  readonly std: readonly number[]
  /** `L` is one channel of luma. */
  readonly channels: 'RGB' | 'BGR' | 'L'
  readonly layout: 'NCHW' | 'NHWC'
  /** How these settings were found, for people to read. */
  readonly source: string
}

/** The size that every picture gets; undefined where it depends on the picture. */
export function fixedSize({
  crop,
  pad,
  resize,
}: PreprocessSpec): { readonly height: number; readonly width: number } | undefined {
  return crop ?? pad ?? (resize.kind === 'exact' ? resize : undefined)
}

/**
 * The preprocessing that a classifier without a configuration most probably wants: torchvision's for ImageNet.
 *
 * Scale so that the picture covers 256/224 of the input (the shorter edge to 256 for 224, 342 for 299), bilinear; centre
 * crop to the input's size; mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225. One channel: luma, mean 0.449 and std
 * 0.226, the averages of the three. Layout NCHW. An odd margin is halved downwards when cropping, as transformers does;
 * torchvision rounds it half to even, so that its crop may lie one pixel further right or down.
 *
 * @param height the input's height in pixels
 * @param width the input's width in pixels
 * @param channels 3 (default) or 1
 * Throws `bad-option` for a size that is not positive and whole.
 */
export function imagenetPreprocessing(height: number, width: number, channels: 1 | 3 = 3): PreprocessSpec {
  checkSize(width, height, 'imagenetPreprocessing')
  const enlarge = (size: number): number => Math.round((size * 256) / 224)
  return {
    resize:
      height === width
        ? { kind: 'shortest-edge', size: enlarge(height) }
        : { kind: 'cover', height: enlarge(height), width: enlarge(width) },
    filter: 'bilinear',
    crop: { height, width },
    rescale: 1 / 255,
    mean: channels === 1 ? [0.449] : [0.485, 0.456, 0.406],
    std: channels === 1 ? [0.226] : [0.229, 0.224, 0.225],
    channels: channels === 1 ? 'L' : 'RGB',
    layout: 'NCHW',
    source: 'the usual ImageNet preprocessing (assumed)',
  }
}

/** The grey around a letterboxed picture in YOLO's kin. */
const LETTERBOX_GREY = 114

/**
 * Letterboxing: the largest picture that fits a rectangle, in the middle of it, grey around it.
 *
 * @param spec how the values are computed; its resizing, crop and padding are replaced
 * Throws `bad-option` for a size that is not positive and whole.
 */
export function letterboxed(
  spec: PreprocessSpec,
  { height, width }: { height: number; width: number },
): PreprocessSpec {
  checkSize(width, height, 'letterboxed')
  return {
    ...spec,
    resize: { kind: 'fit', height, width },
    crop: undefined,
    pad: { height, width, at: 'centre', fill: LETTERBOX_GREY },
  }
}
