/** From a run's outputs to a list of detected things. */
import type { Box } from '../../core/box.js'
import { ExplainError } from '../../core/errors.js'
import type { Tensor } from '../../core/tensor.js'
import type { BoxFormat, Columns, DetectionHead } from './head.js'
import type { Element } from './origins.js'
import { suppress } from './suppress.js'

/** Pixels of the model's input. */
interface Extent {
  readonly width: number
  readonly height: number
}

export interface DetectionOptions {
  /** Boxes of lower scores are left out. 0 to 1; default 0.25. */
  readonly threshold?: number | undefined
  /** Boxes of one class that overlap a better one by more (intersection over union) are left out, where the model has not done so. 0 to 1; default 0.5. */
  readonly iou?: number | undefined
  /** As many boxes at most, the best; default 20. */
  readonly top?: number | undefined
}

export interface Detection {
  /** In pixels of the model's input, continuous; may reach beyond it. */
  readonly box: Box
  /** The class. */
  readonly index: number
  /** 0 to 1. */
  readonly score: number
  /** The box' place in the model's list. */
  readonly row: number
  /** The elements of the model's values that the score was read from; their product, where there are two. */
  readonly from: readonly Element[]
}

const DEFAULTS = { threshold: 0.25, iou: 0.5, top: 20 }

/** Throws `bad-option` for what is not in its range. */
function settled(options: DetectionOptions): typeof DEFAULTS {
  const { threshold = DEFAULTS.threshold, iou = DEFAULTS.iou, top = DEFAULTS.top } = options
  for (const [where, v] of Object.entries({ threshold, iou }))
    if (!(v >= 0 && v <= 1))
      throw new ExplainError('bad-option', {
        what: `${where} is ${v}`,
        where,
        remedy: `It lies between 0 and 1: ${where} 0.5.`,
      })
  if (!Number.isInteger(top) || top < 1)
    throw new ExplainError('bad-option', {
      what: `top is ${top}`,
      where: 'top',
      remedy: 'Give a whole number of boxes, such as 20.',
    })
  return { threshold, iou, top }
}

/**
 * Reads what a model has found in its first picture, best first. A box is reported once for each class whose score reaches the threshold (as Ultralytics'
 * `multi_label` and torchvision's heads have it); of `queries` for its best class alone.
 *
 * @param outputs the values that `valuesOf(head)` names, by name
 * @param model the model input's size in pixels
 * Throws `bad-option`.
 */
export function readDetections(
  head: DetectionHead,
  outputs: Readonly<Record<string, Tensor>>,
  model: Extent,
  options: DetectionOptions = {},
): readonly Detection[] {
  const { threshold, iou, top } = settled(options)
  const boxes = columnsIn(outputs, head.boxes)
  const scores = columnsIn(outputs, head.scores)
  const objectness = head.objectness && columnsIn(outputs, head.objectness)
  const labels = head.labels && columnsIn(outputs, head.labels)
  const scale = scaleOf(head, boxes, model)
  const boxAt = (row: number): Box =>
    boxOf(
      head.format,
      [0, 1, 2, 3].map((c) => boxes.at(row, c)),
      scale,
    )
  const found: Detection[] = []
  const add = (row: number, column: number, index: number, score: number): void => {
    if (!(score >= threshold)) return
    const from = [scores.element(row, column), ...(objectness ? [objectness.element(row, 0)] : [])]
    found.push({ box: boxAt(row), index, score, row, from })
  }
  const kept = head.kept === undefined ? undefined : keptRows(outputs[head.kept])
  for (let row = 0; row < boxes.rows && !kept; row++) {
    const sure = objectness ? objectness.at(row, 0) : 1
    if (sure < threshold) continue
    const raw = Array.from({ length: head.scores.count }, (_, c) => scores.at(row, c))
    if (labels) add(row, 0, labels.at(row, 0), raw[0] ?? 0)
    else {
      const each = activated(head.activation, raw).map((p, c) => (c === head.background ? 0 : p * sure))
      const best = each.reduce((b, p, c) => (p > (each[b] ?? 0) ? c : b), 0)
      for (const [c, p] of each.entries()) if (head.family === 'grid' || c === best) add(row, c, c, p)
    }
  }
  for (const [index = 0, row = 0] of kept ?? []) add(row, index, index, scores.at(row, index))
  const own = head.family === 'grid' && !kept ? suppress(found, iou, top) : [...found].sort((a, b) => b.score - a.score)
  return own.slice(0, top)
}

function activated(activation: DetectionHead['activation'], raw: readonly number[]): readonly number[] {
  if (activation === 'none') return raw
  if (activation === 'sigmoid') return raw.map((v) => 1 / (1 + Math.exp(-v)))
  const largest = raw.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const powers = raw.map((v) => Math.exp(v - largest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((v) => v / sum)
}

/** Class and box of each row `[picture, class, box]` of the first picture. */
function keptRows(rows: Tensor | undefined): readonly (readonly number[])[] {
  const flat = Array.from(rows?.data ?? [], Number)
  const all = Array.from({ length: flat.length / 3 }, (_, i) => flat.slice(3 * i, 3 * i + 3))
  return all.filter(([picture]) => picture === 0).map((row) => row.slice(1))
}

interface ReadColumns {
  readonly rows: number
  at(row: number, column: number): number
  element(row: number, column: number): Element
}

/** The first picture's numbers. Throws `shape-mismatch` where a value has not the axes that the head has. */
function columnsIn(outputs: Readonly<Record<string, Tensor>>, { value, along, across, from }: Columns): ReadColumns {
  const found = outputs[value]
  if (!found || found.dims.length <= Math.max(along, across ?? 0))
    throw new ExplainError('shape-mismatch', {
      what: `The value "${value}" is ${found ? `[${found.dims.join(', ')}]` : 'missing'}`,
      where: 'detections',
    })
  const { dims, data } = found
  const step = (axis: number): number => dims.slice(axis + 1).reduce((a, b) => a * b, 1)
  const place = (row: number, column: number): number =>
    row * step(along) + (across === undefined ? 0 : (from + column) * step(across))
  return {
    rows: dims[along] ?? 0,
    at: (row, column) => Number(data[place(row, column)]),
    element: (row, column) => ({ value, index: place(row, column) }),
  }
}

/** What coordinates are multiplied by. */
function scaleOf({ unit }: DetectionHead, boxes: ReadColumns, model: Extent): Extent {
  const largest = (): number => {
    let most = 0
    for (let row = 0; row < boxes.rows; row++) for (let c = 0; c < 4; c++) most = Math.max(most, boxes.at(row, c))
    return most
  }
  return (unit ?? (largest() > 2 ? 'pixels' : 'parts')) === 'pixels' ? { width: 1, height: 1 } : model
}

function boxOf(format: BoxFormat, [a = 0, b = 0, c = 0, d = 0]: readonly number[], scale: Extent): Box {
  const [x0, y0, x1, y1] = {
    xyxy: [a, b, c, d],
    yxyx: [b, a, d, c],
    cxcywh: [a - c / 2, b - d / 2, a + c / 2, b + d / 2],
  }[format] as [number, number, number, number]
  return { x0: x0 * scale.width, y0: y0 * scale.height, x1: x1 * scale.width, y1: y1 * scale.height }
}
