/** How photos become what the model is fed. */
import { imagenetPreprocessing, type PreprocessSpec } from '../image/index.js'
import { type PictureInput, takesPhotos } from './input.js'

const DEFAULT_SIDE = 224

/** The given preprocessing, else the usual one, in the input's layout; undefined where it takes no photos. */
export function photoPreprocessing(
  input: PictureInput,
  given: PreprocessSpec | undefined,
  lowestByte?: number,
): PreprocessSpec | undefined {
  const { height = DEFAULT_SIDE, width = DEFAULT_SIDE, channels, layout } = input
  if (!takesPhotos(input) || (layout !== 'NCHW' && layout !== 'NHWC')) return undefined
  const usual = imagenetPreprocessing(height, width, channels === 1 ? 1 : 3)
  return { ...(given ?? (lowestByte === undefined ? usual : ofBytes(usual, lowestByte))), layout }
}

/** Pixels as they are, for inputs of bytes: from 0, or from -128. */
function ofBytes(usual: PreprocessSpec, lowest: number): PreprocessSpec {
  const each = (value: number): number[] => usual.mean.map(() => value)
  const source = `pixel values from ${lowest}, as the input takes bytes (assumed)`
  return { ...usual, rescale: 1, mean: each(lowest === 0 ? 0 : -lowest), std: each(1), source }
}
