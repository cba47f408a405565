/** How photos become what the model is fed. */
import { imagenetPreprocessing, type PreprocessSpec } from '../image/index.js'
import type { Graph } from '../onnx/ir.js'
import type { Answer } from '../targets/answer.js'
import { type PictureInput, takesPhotos } from './input.js'
import { ownNormalisation } from './own-normalisation.js'

const DEFAULT_SIDE = 224

/** What tells how pictures are fed where nobody says it. */
export interface PhotoHints {
  /** The lowest value of an input of bytes. */
  readonly lowest?: number | undefined
  /** True where the answer is about places, so that nothing of the picture may be cut off. */
  readonly whole?: boolean
}

/** Answers that are about places of the picture. */
export function isAboutPlaces({ kind }: Answer): boolean {
  return kind === 'boxes' || kind === 'map'
}

/** The given preprocessing, else what the graph tells, else the usual one, in the input's layout; undefined where it takes no photos. */
export function photoPreprocessing(
  graph: Graph,
  input: PictureInput,
  given: PreprocessSpec | undefined,
  { lowest, whole = false }: PhotoHints = {},
): PreprocessSpec | undefined {
  const { height = DEFAULT_SIDE, width = DEFAULT_SIDE, channels, layout } = input
  if (!takesPhotos(input) || (layout !== 'NCHW' && layout !== 'NHWC')) return undefined
  const cropped = imagenetPreprocessing(height, width, channels === 1 ? 1 : 3)
  const usual = whole ? uncropped(cropped, height, width) : cropped
  const bytes = lowest === undefined ? undefined : ofBytes(usual, lowest)
  return { ...(given ?? bytes ?? ownNormalisation(graph, input, usual) ?? usual), layout }
}

/** All of the picture, stretched. */
function uncropped(usual: PreprocessSpec, height: number, width: number): PreprocessSpec {
  const source = 'the whole picture, normalised as is usual for ImageNet (assumed)'
  return { ...usual, resize: { kind: 'exact', height, width }, crop: undefined, source }
}

/** Pixels as they are, for inputs of bytes: from 0, or from -128. */
function ofBytes(usual: PreprocessSpec, lowest: number): PreprocessSpec {
  const each = (value: number): number[] => usual.mean.map(() => value)
  const source = `pixel values from ${lowest}, as the input takes bytes (assumed)`
  return { ...usual, rescale: 1, mean: each(lowest === 0 ? 0 : -lowest), std: each(1), source }
}
