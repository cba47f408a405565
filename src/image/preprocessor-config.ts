/** Hugging Face's `preprocessor_config.json`, read as transformers reads it. */
import { ExplainError } from '../core/errors.js'
import type { Size } from './picture.js'
import type { Filter } from './resize.js'
import type { Padding, PreprocessSpec, ResizeRule } from './spec.js'

/** `PIL.Image.Resampling` by number. */
const PIL_FILTERS: readonly Filter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming']

/** What a processor class of transformers takes for granted, where its configuration is silent. */
interface ClassDefaults {
  /** What a bare number for `size` means: both edges, or the shorter one. */
  readonly size: 'exact' | 'shortest-edge'
  readonly filter: Filter
  /** Edges are rounded down to multiples of this. */
  readonly step?: number
  /** The share of the scaled picture that is kept, where scaling and cropping are one setting. */
  readonly cropShare?: number
}

const CLASSES: Readonly<Record<string, ClassDefaults>> = {
  Beit: { size: 'exact', filter: 'bicubic' },
  Bit: { size: 'shortest-edge', filter: 'bicubic' },
  Blip: { size: 'exact', filter: 'bicubic' },
  CLIP: { size: 'shortest-edge', filter: 'bicubic' },
  ChineseCLIP: { size: 'shortest-edge', filter: 'bicubic' },
  ConditionalDetr: { size: 'shortest-edge', filter: 'bilinear' },
  ConvNext: { size: 'shortest-edge', filter: 'bicubic', cropShare: 224 / 256 },
  DeformableDetr: { size: 'shortest-edge', filter: 'bilinear' },
  DeiT: { size: 'exact', filter: 'bicubic' },
  Detr: { size: 'shortest-edge', filter: 'bilinear' },
  EfficientNet: { size: 'exact', filter: 'nearest' },
  GroundingDino: { size: 'shortest-edge', filter: 'bilinear' },
  MobileNetV1: { size: 'shortest-edge', filter: 'bilinear' },
  MobileNetV2: { size: 'shortest-edge', filter: 'bilinear' },
  MobileViT: { size: 'shortest-edge', filter: 'bilinear' },
  PoolFormer: { size: 'shortest-edge', filter: 'bicubic' },
  RTDetr: { size: 'exact', filter: 'bilinear' },
  Segformer: { size: 'exact', filter: 'bilinear' },
  Siglip: { size: 'exact', filter: 'bicubic' },
  ViT: { size: 'exact', filter: 'bilinear' },
  Yolos: { size: 'shortest-edge', filter: 'bilinear', step: 16 },
}

/** Switches that change the pixels in ways that are not built here: better refused than ignored. */
const NOT_BUILT = [
  'do_align_long_axis',
  'do_crop_margin',
  'do_image_splitting',
  'do_pan_and_scan',
  'do_thumbnail',
  'ensure_multiple_of',
  'keep_aspect_ratio',
  'min_pixels',
  'size_divisor',
]

/** ConvNeXT squeezes the whole picture from this size on instead of cropping it. */
const SQUEEZE_FROM = 384

/**
 * Reads a parsed `preprocessor_config.json`.
 *
 * Understood: `do_resize`, `size` (`shortest_edge`, with or without `longest_edge`; `longest_edge`; `height` and `width`; a
 * number, perhaps with `max_size`, or a pair), `resample`, `do_center_crop`, `crop_size`, `crop_pct` (below 384 px: scale to `size / crop_pct`, then
 * crop to `crop_size` or `size`; from 384 px on: stretch to `size`), `do_rescale`, `rescale_factor`, `rescale_offset`,
 * `do_normalize`, `image_mean`, `image_std`, `include_top`, `do_flip_channel_order`, `do_pad` with `pad_size`.
 *
 * Where the file is silent: rescaling by 1/255; cropping and normalising exactly if there is a `crop_size`, an
 * `image_mean`; the processor class's own default for the filter and for the meaning of a bare number, or else bilinear and
 * "the shorter edge if it is cropped afterwards, both edges if not". Such an assumption is said in the spec's `source`.
 * `mean` and `std` belong to the channels in the order in which the network gets them.
 *
 * Throws `bad-option`, naming the field and the value received, for anything malformed, missing or not understood.
 */
export function parsePreprocessorConfig(json: unknown): PreprocessSpec {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw bad('the whole file', json, 'It holds one JSON object.')
  const config = new Fields(json as Readonly<Record<string, unknown>>)
  for (const name of NOT_BUILT)
    if (config.isSet(name)) throw bad(name, config.get(name), 'Preprocess the picture yourself and pass the tensor.')

  const notes: string[] = []
  const type = config.get('image_processor_type') ?? config.get('feature_extractor_type')
  const family = typeof type === 'string' ? type.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, '') : ''
  const defaults = Object.hasOwn(CLASSES, family) ? CLASSES[family] : undefined

  const { resize, crop } = readGeometry(config, defaults, notes)
  let filter: Filter = defaults?.filter ?? 'bilinear'
  if (config.has('resample')) filter = readFilter(config.get('resample'))
  else if (resize.kind !== 'none') notes.push(`resample not given: ${filter} assumed`)
  const pad = readPadding(config)
  if (pad && crop) throw bad('pad_size', config.get('pad_size'), 'It cannot be combined with a crop.')

  const channels = config.flag('do_flip_channel_order') ? 'BGR' : config.channelCount() === 1 ? 'L' : 'RGB'
  const remark = notes.length > 0 ? ` (${notes.join('; ')})` : ''
  return {
    resize,
    filter,
    crop,
    ...(pad ? { pad } : {}),
    ...readValues(config, channels.length),
    channels,
    layout: 'NCHW',
    source: `preprocessor_config.json${remark}`,
  }
}

function bad(field: string, received: unknown, remedy: string): ExplainError {
  return new ExplainError('bad-option', {
    what: `${field} is ${JSON.stringify(received) ?? 'missing'}, which cannot be used`,
    where: 'preprocessor_config.json',
    remedy,
    details: { field, received },
  })
}

/** The file's fields, checked as they are read. `null` counts as absent, as it does in transformers. */
class Fields {
  constructor(private readonly json: Readonly<Record<string, unknown>>) {}

  get(name: string): unknown {
    return (Object.hasOwn(this.json, name) ? this.json[name] : undefined) ?? undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** Given, and neither false nor 0 nor 1 (a multiple of 1 asks for nothing). */
  isSet(name: string): boolean {
    const value = this.get(name)
    return value !== undefined && value !== false && value !== 0 && value !== 1
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.get(name) ?? otherwise
    if (typeof value !== 'boolean') throw bad(name, value, 'Give true or false.')
    return value
  }

  /** A finite number other than 0. */
  number(name: string, otherwise: number): number {
    const value = this.get(name) ?? otherwise
    if (typeof value !== 'number' || !Number.isFinite(value) || value === 0)
      throw bad(name, value, 'Give a number other than 0.')
    return value
  }

  /** One number per channel; a single number stands for all of them. */
  numbers(name: string, count: number): number[] {
    const value = this.get(name)
    const list: unknown = typeof value === 'number' ? new Array(count).fill(value) : value
    const isNumber = (v: unknown): v is number => typeof v === 'number' && Number.isFinite(v)
    if (!Array.isArray(list) || list.length !== count || !list.every(isNumber))
      throw bad(name, value, `Give ${count} numbers, one for each channel.`)
    return list
  }

  channelCount(): number {
    const mean = this.get('image_mean')
    return Array.isArray(mean) ? mean.length : 3
  }
}

function pixels(value: unknown, field: string, whole: unknown = value): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw bad(field, whole, 'Sizes are whole numbers of pixels, at least 1.')
  return value
}

/** A rectangle: a number, `[height, width]`, or `{ height, width }`. */
function rectangle(value: unknown, field: string): Size {
  if (typeof value === 'number') return { width: pixels(value, field), height: pixels(value, field) }
  const { height, width } = Array.isArray(value)
    ? { height: value[0] as unknown, width: value[1] as unknown }
    : ((value ?? {}) as Readonly<Record<string, unknown>>)
  return { width: pixels(width, field, value), height: pixels(height, field, value) }
}

/** The scaling, before `crop_pct` has its say. */
function readResize(
  config: Fields,
  defaults: ClassDefaults | undefined,
  cropped: boolean,
  notes: string[],
): ResizeRule {
  if (!config.flag('do_resize', config.has('size'))) return { kind: 'none' }
  const size = config.get('size')
  if (typeof size === 'number') {
    const meaning = defaults?.size ?? (cropped ? 'shortest-edge' : 'exact')
    if (!defaults) notes.push(`size taken as ${meaning === 'exact' ? 'both edges' : 'the shorter edge'}`)
    if (meaning === 'exact') return { kind: 'exact', ...rectangle(size, 'size') }
    return shortestEdge(size, size, config.get('max_size'), defaults)
  }
  if (typeof size === 'object' && size !== null && !Array.isArray(size)) {
    const { shortest_edge: shortest, longest_edge: longest } = size as Readonly<Record<string, unknown>>
    if (shortest !== undefined && shortest !== null) return shortestEdge(shortest, size, longest, defaults)
    if (longest !== undefined && longest !== null)
      return { kind: 'longest-edge', size: pixels(longest, 'size.longest_edge', size) }
  }
  return { kind: 'exact', ...rectangle(size, 'size') }
}

function shortestEdge(shortest: unknown, whole: unknown, longest: unknown, defaults?: ClassDefaults): ResizeRule {
  const rule = {
    kind: 'shortest-edge' as const,
    size: pixels(shortest, 'size.shortest_edge', whole),
    ...(defaults?.step === undefined ? {} : { step: defaults.step }),
  }
  if (longest === undefined || longest === null) return rule
  const limit = pixels(longest, 'size.longest_edge', whole)
  if (limit < rule.size) throw bad('size.longest_edge', whole, 'It cannot be less than shortest_edge.')
  return { ...rule, limit }
}

function readGeometry(
  config: Fields,
  defaults: ClassDefaults | undefined,
  notes: string[],
): { resize: ResizeRule; crop: Size | undefined } {
  const wantsCrop = config.flag('do_center_crop', config.has('crop_size'))
  const crop = wantsCrop ? rectangle(config.get('crop_size'), 'crop_size') : undefined
  const hasShare = config.has('crop_pct') || defaults?.cropShare !== undefined
  const resize = readResize(config, defaults, wantsCrop || hasShare, notes)
  if (!hasShare || resize.kind === 'none') return { resize, crop }

  const share = config.number('crop_pct', defaults?.cropShare ?? 1)
  if (share < 0 || share > 1) throw bad('crop_pct', share, 'It lies between 0 and 1.')
  const edge = resize.kind === 'exact' && resize.height === resize.width ? resize.height : undefined
  const size = resize.kind === 'shortest-edge' ? resize.size : edge
  if (size === undefined)
    throw bad('size', config.get('size'), 'With crop_pct it is one edge, { "shortest_edge": px }.')
  if (!crop && size >= SQUEEZE_FROM) return { resize: { kind: 'exact', height: size, width: size }, crop: undefined }
  return {
    resize: { kind: 'shortest-edge', size: Math.trunc(size / share) },
    crop: crop ?? { height: size, width: size },
  }
}

function readFilter(value: unknown): Filter {
  const filter = typeof value === 'number' ? PIL_FILTERS[value] : undefined
  if (filter === undefined) throw bad('resample', value, 'Give one of the numbers 0 to 5 of PIL.Image.Resampling.')
  return filter
}

/** Padding to a fixed size, as SAM has it: after normalising, with zeros, on the right and at the bottom. */
function readPadding(config: Fields): Padding | undefined {
  if (!config.flag('do_pad') || !config.has('pad_size')) return undefined // `do_pad` alone evens out a batch: nothing to do
  return { ...rectangle(config.get('pad_size'), 'pad_size'), at: 'top-left', fill: 'mean' }
}

function readValues(config: Fields, count: number): { rescale: number; mean: number[]; std: number[] } {
  const rescale = config.flag('do_rescale', true) ? config.number('rescale_factor', 1 / 255) : 1
  const normalises = config.flag('do_normalize', config.has('image_mean'))
  const mean = normalises ? config.numbers('image_mean', count) : new Array<number>(count).fill(0)
  const std = normalises ? config.numbers('image_std', count) : new Array<number>(count).fill(1)
  if (std.includes(0)) throw bad('image_std', std, 'No channel can be divided by 0.')
  // EfficientNet, ViViT: (pixel - 127.5) * rescale. The shift is taken into the mean.
  const offset = config.flag('rescale_offset') ? 127.5 * rescale : 0
  // EfficientNet divides by the standard deviation a second time for classifiers.
  const again = config.flag('include_top') ? config.numbers('image_std', count) : new Array<number>(count).fill(1)
  return { rescale, mean: mean.map((m) => m + offset), std: std.map((s, c) => s * (again[c] as number)) }
}
