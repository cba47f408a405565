/** What a segmentation network sees in a picture: how much of it each class covers. */
import { ExplainError } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { type Geometry, toSource } from '../image/index.js'
import type { Answer } from '../targets/answer.js'
import { labelOf } from '../targets/labels.js'
import { classMap } from '../targets/region.js'

/** A class that the network sees. */
export interface SeenClass {
  readonly index: number
  /** The class' name. */
  readonly label: string
  /** The part of the picture that it covers, 0 to 1. */
  readonly share: number
}

/** What a segmentation network sees: plain data. */
export interface Segmentation {
  /** Of the model's own map. */
  readonly width: number
  readonly height: number
  /** The class of each place of the map, row by row; -1 for none. */
  readonly classes: Int32Array
  /** How the model's input, and with it the map, lies on the picture. */
  readonly geometry: Geometry
  /** The classes, the largest first. */
  readonly seen: readonly SeenClass[]
}

/** Throws `method-not-applicable` for a model that gives no map of classes. */
export function requireMap({ kind, output }: Answer): void {
  if (kind === 'map') return
  throw new ExplainError('method-not-applicable', {
    what: `This model segments nothing: its answer is "${output}"`,
    remedy: 'A segmentation is an output [N,classes,height,width].',
  })
}

/**
 * The class of each place, and the classes that are best somewhere on the picture.
 *
 * @param scores `[1,C,h,w]`, of any resolution: places are counted that lie on the picture, and not on what was padded
 */
export function segmentationOf(scores: Tensor<'float32'>, geometry: Geometry, labels: readonly string[]): Segmentation {
  const { classes, width, height } = classMap(scores)
  const counts = new Map<number, number>()
  let all = 0
  for (const [i, index] of classes.entries()) {
    const [x, y] = [((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height]
    const at = toSource({ x: x * geometry.model.width, y: y * geometry.model.height }, geometry)
    if (at.x < 0 || at.y < 0 || at.x > geometry.source.width || at.y > geometry.source.height) continue
    all++
    if (index >= 0) counts.set(index, (counts.get(index) ?? 0) + 1)
  }
  const seen = [...counts]
    .map(([index, count]) => ({ index, label: labelOf(index, labels), share: count / all }))
    .sort((a, b) => b.share - a.share || a.index - b.index)
  return { width, height, classes, geometry, seen }
}
