/** Changes to a model's preprocessing, for a model that comes without its own. */
import { ExplainError } from '../core/errors.js'
import type { Size } from './picture.js'
import { letterboxed, type PreprocessSpec, type ResizeRule } from './spec.js'

/** How a picture is brought to the model's size. */
export const FITS = ['crop', 'stretch', 'letterbox'] as const

export type Fit = (typeof FITS)[number]

export interface PreprocessOptions {
  /** Mean of each channel, after division by 255. */
  readonly mean?: readonly number[] | undefined
  /** Standard deviation of each channel, after division by 255. */
  readonly std?: readonly number[] | undefined
  /** The model input's size in pixels, or its side where it is square; for models that take any size. */
  readonly size?: number | Size | undefined
  /**
   * `crop`: shorter side to 256/224 of the size, then the centre; `stretch`: the whole picture, squeezed to the size; `letterbox`: the whole picture in its own
   * proportions, in the middle of the size, grey (114) around it, as YOLO's kin have it.
   */
  readonly fit?: Fit | undefined
  /** Order of the colour channels. */
  readonly channels?: 'RGB' | 'BGR' | undefined
}

/** The preprocessing with the given parts replaced; itself where none is given. Throws `bad-option`. */
export function adjustPreprocessing(spec: PreprocessSpec, options: PreprocessOptions): PreprocessSpec {
  const { mean, std, size, fit, channels } = options
  const changed = Object.entries({ mean, std, size, fit, channels }).filter(([, v]) => v !== undefined)
  if (changed.length === 0) return spec
  const count = spec.mean.length
  for (const [name, values] of Object.entries({ mean, std }))
    if (values && (values.length !== count || values.some((v) => !Number.isFinite(v) || (name === 'std' && v <= 0))))
      throw new ExplainError('bad-option', {
        what: `${name} is ${values.join(',')}; ${count} numbers are wanted`,
        where: name,
      })
  const wanted = typeof size === 'number' ? { height: size, width: size } : size
  if (wanted && [wanted.height, wanted.width].some((v) => !Number.isInteger(v) || v < 1))
    throw new ExplainError('bad-option', {
      what: `size is ${typeof size === 'number' ? size : `${wanted.height}x${wanted.width}`}; whole numbers of pixels are wanted`,
      where: 'size',
    })
  const now = spec.crop ?? spec.pad ?? (spec.resize.kind === 'exact' ? spec.resize : { height: 224, width: 224 })
  const target = wanted ? { height: wanted.height, width: wanted.width } : { height: now.height, width: now.width }
  const how = fit ?? fitOf(spec)
  const enlarged = (side: number): number => Math.round((side * 256) / 224)
  const { pad, ...bare } = spec
  const fitted = (): PreprocessSpec => {
    // another geometry takes the place of letterboxing
    if (how === 'letterbox') return letterboxed(spec, target)
    if (how === 'stretch') return { ...bare, resize: { kind: 'exact', ...target }, crop: undefined }
    return { ...bare, resize: covering(enlarged(target.height), enlarged(target.width)), crop: target }
  }
  return {
    ...(fit === undefined && size === undefined ? spec : fitted()),
    mean: mean ?? spec.mean,
    std: std ?? spec.std,
    channels: channels ?? spec.channels,
    source: `${spec.source}, with ${changed.map(([name]) => name).join(', ')} as given`,
  }
}

/** How a picture is brought to another size where only the size is said. */
function fitOf({ crop, resize }: PreprocessSpec): Fit {
  return crop ? 'crop' : resize.kind === 'fit' ? 'letterbox' : 'stretch'
}

/** Scales a picture so that it covers a rectangle; the shorter edge tells for a square. */
function covering(height: number, width: number): ResizeRule {
  return height === width ? { kind: 'shortest-edge', size: height } : { kind: 'cover', height, width }
}
