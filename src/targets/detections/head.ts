/** What a detector gives: where among its outputs boxes, scores and classes are, and how they are written. */
import type { Shapes } from '../../onnx/shapes.js'

/** Corners (`xyxy`; `yxyx` as TensorFlow has them), or the centre with width and height. */
export const BOX_FORMATS = ['xyxy', 'yxyx', 'cxcywh'] as const

export type BoxFormat = (typeof BOX_FORMATS)[number]

/** A list of boxes' numbers in a value: one axis runs over the boxes; a part of another over what is said of each. Axes of one entry besides. */
export interface Columns {
  readonly value: string
  /** The axis of the boxes. */
  readonly along: number
  /** The axis of what is said of each; undefined where that is one number. */
  readonly across: number | undefined
  /** The part of it. */
  readonly from: number
  readonly count: number
}

/**
 * How the list was made: `suppressed` by the model itself, which says one class and score of each box; `grid`: every place of a grid, or every anchor, has a
 * box and a score for each class, and boxes of one thing are still to be suppressed; `queries`: a set without duplicates, as DETR has it.
 */
export type DetectionFamily = 'suppressed' | 'grid' | 'queries'

export interface DetectionHead {
  readonly family: DetectionFamily
  readonly boxes: Columns
  readonly format: BoxFormat
  /** Coordinates in pixels of the model's input, or as parts of its width and height; undefined where the numbers tell (none above 2: parts). */
  readonly unit: 'pixels' | 'parts' | undefined
  /** One column of a class each; one alone where the model says the class. */
  readonly scores: Columns
  /** What is still to be done to scores before they are probabilities. */
  readonly activation: 'none' | 'softmax' | 'sigmoid'
  /** The class that means "nothing", which is never reported. */
  readonly background: number | undefined
  /** How sure the model is that there is anything at all (YOLOv3 to v7): the score is multiplied by it. */
  readonly objectness: Columns | undefined
  /** The class of each box, where the model says it. */
  readonly labels: Columns | undefined
  /** `[K,3]`, rows of picture, class and box, where the model gives the answer of its NonMaxSuppression alone: what is left of the grid. */
  readonly kept: string | undefined
  /** What had to be assumed, for people to read. */
  readonly notes: readonly string[]
}

/** The values that have to be fetched to read a head. */
export function valuesOf(head: DetectionHead): readonly string[] {
  const { boxes, scores, objectness, labels, kept } = head
  const columns = [boxes, scores, objectness, labels].flatMap((c) => c?.value ?? [])
  return [...new Set([...columns, ...(kept === undefined ? [] : [kept])])]
}

/** All of an axis of what is said of each box. */
export function allColumns(shapes: Shapes, value: string, along: number, across: number): Columns {
  const count = shapes.get(value)?.dims?.[across]
  return { value, along, across, from: 0, count: typeof count === 'number' ? count : 0 }
}

/** One number of each box. */
export function oneColumn(value: string, along: number, across?: number, from = 0): Columns {
  return { value, along, across, from, count: 1 }
}
