/** How photos become what the model is fed. */
import { imagenetPreprocessing, type PreprocessSpec } from '../image/index.js'
import type { Graph } from '../onnx/ir.js'
import { type PictureInput, takesPhotos } from './input.js'
import { ownNormalisation } from './own-normalisation.js'

const DEFAULT_SIDE = 224

/** The given preprocessing, else what the graph tells, else the usual one, in the input's layout; undefined where it takes no photos. */
export function photoPreprocessing(
  graph: Graph,
  input: PictureInput,
  given: PreprocessSpec | undefined,
  lowest?: number,
): PreprocessSpec | undefined {
  const { height = DEFAULT_SIDE, width = DEFAULT_SIDE, channels, layout } = input
  if (!takesPhotos(input) || (layout !== 'NCHW' && layout !== 'NHWC')) return undefined
  const usual = imagenetPreprocessing(height, width, channels === 1 ? 1 : 3)
  const bytes = lowest === undefined ? undefined : ofBytes(usual, lowest)
  return { ...(given ?? bytes ?? ownNormalisation(graph, input, usual) ?? usual), layout }
}

/** Pixels as they are, for inputs of bytes: from 0, or from -128. */
function ofBytes(usual: PreprocessSpec, lowest: number): PreprocessSpec {
  const each = (value: number): number[] => usual.mean.map(() => value)
  const source = `pixel values from ${lowest}, as the input takes bytes (assumed)`
  return { ...usual, rescale: 1, mean: each(lowest === 0 ? 0 : -lowest), std: each(1), source }
}
