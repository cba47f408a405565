/** Preprocessing in words, and what is wrong with changes to it. */
import { ExplainError, type PreprocessOptions, type PreprocessSpec, type WebModel } from 'onnxplain/web'

export type Field = 'mean' | 'std'

/** Why the changes cannot be made, in words; undefined where they can. */
export function troubleOf(model: WebModel, changes: PreprocessOptions): string | undefined {
  try {
    model.adjusted(changes)
    return undefined
  } catch (error) {
    if (error instanceof ExplainError) return `${error.what}. ${error.remedy ?? ''}`
    throw error
  }
}

/** The channels in the order in which the network gets them. */
export function channelNames({ channels }: PreprocessSpec): readonly string[] {
  return channels === 'L' ? ['grey'] : [...channels]
}

export function same(a: readonly number[], b: readonly number[] | undefined): boolean {
  return a.join() === b?.join()
}

/** How the picture's shape becomes the network's. */
export function fitOf({ crop, pad, resize }: PreprocessSpec): string {
  if (crop) return 'crop'
  if (pad) return 'letterbox'
  return resize.kind === 'exact' ? 'stretch' : 'as it is'
}

/** `the shorter edge to 256 px, then the centre of 224 × 224 px` */
export function describeResize({ resize, crop, pad }: PreprocessSpec): string {
  const then = crop
    ? `, then the centre of ${crop.width} × ${crop.height} px`
    : pad
      ? `, then on a canvas of ${pad.width} × ${pad.height} px`
      : ''
  return `${scaling(resize)}${then}`
}

function scaling(rule: PreprocessSpec['resize']): string {
  switch (rule.kind) {
    case 'none':
      return 'not at all'
    case 'exact':
      return `to ${rule.width} × ${rule.height} px`
    case 'cover':
      return `to cover ${rule.width} × ${rule.height} px`
    case 'fit':
      return `to fit ${rule.width} × ${rule.height} px`
    case 'shortest-edge':
      return `the shorter edge to ${rule.size} px${rule.limit === undefined ? '' : `, the longer at most ${rule.limit} px`}`
    case 'longest-edge':
      return `the longer edge to ${rule.size} px`
  }
}

/** How the axis of the channels was found; see `findPictureInput`. */
export function layoutReason(model: WebModel): string {
  const dims = model.inspect().inputs.find((i) => i.picture)?.dims ?? []
  const { channels, layout } = model.input
  const shape = `[${dims.map((d) => d ?? '?').join(', ')}]`
  const few = [1, 3].filter((axis) => dims[axis] === 1 || dims[axis] === 3)
  const axis = layout === 'NCHW' ? 'second' : 'last'
  return few.length === 1
    ? `of ${shape} only the ${axis} axis has ${channels === 1 ? '1 entry' : `${channels} entries`}, so it holds the channels.`
    : `of ${shape} the ${axis} axis is the one that the first convolution reads as channels.`
}
