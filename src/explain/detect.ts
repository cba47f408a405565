/** The boxes that a detector finds in a picture, and where each one's score is among all that the network computed. */
import { ExplainError } from '../core/errors.js'
import { sizeOf, type Tensor } from '../core/tensor.js'
import { type Box, type Geometry, toSource } from '../image/index.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import type { Answer } from '../targets/answer.js'
import { type DetectionHead, valuesOf } from '../targets/detections/head.js'
import { type Element, type Origins, originOf, originsOf } from '../targets/detections/origins.js'
import { type Detection, type DetectionOptions, readDetections } from '../targets/detections/read.js'
import { scoreSources } from '../targets/detections/scores.js'
import { labelOf } from '../targets/labels.js'
import type { FoundBox } from '../targets/target.js'

export type { DetectionOptions } from '../targets/detections/read.js'

/** A box that was found. Edges in pixels of the picture; they may lie beyond it. */
export interface DetectedBox extends FoundBox {
  /** The class' name. */
  readonly label: string
}

/** The run that finds boxes. */
export interface DetectionPlan {
  readonly head: DetectionHead
  /** Tells what each score was chosen from; undefined where scores are products, which have places of their own. */
  readonly origins: Origins | undefined
  /** The values whose elements make up the row of scores. */
  readonly sources: readonly string[]
  readonly graph: Graph
}

/** Throws `method-not-applicable` for a model that finds no boxes. */
export function planDetection(graph: Graph, shapes: Shapes, { head, output }: Answer): DetectionPlan {
  if (!head)
    throw new ExplainError('method-not-applicable', {
      what: `This model finds no boxes: its answer is "${output}"`,
      remedy: 'Boxes are found by detectors: torchvision, YOLO, DETR, and what ends in NonMaxSuppression.',
    })
  const wanted = valuesOf(head)
  if (head.objectness)
    return { head, origins: undefined, sources: [], graph: originsOf(graph, shapes, [], wanted).graph }
  const sources = scoreSources(graph, shapes, head)
  const origins = originsOf(graph, shapes, [head.scores.value], [...wanted, ...sources])
  return { head, origins, sources, graph: origins.graph }
}

/** Reads a run of the plan. Boxes are best first. Throws `bad-option`. */
export function detectedBoxes(
  { head, origins, sources }: DetectionPlan,
  outputs: Readonly<Record<string, Tensor>>,
  geometry: Geometry,
  labels: readonly string[],
  options: DetectionOptions = {},
): readonly DetectedBox[] {
  return readDetections(head, outputs, geometry.model, options).map((found) => ({
    ...onPicture(found.box, geometry),
    index: found.index,
    label: labelOf(found.index, labels),
    score: found.score,
    ...(origins
      ? placeOf(found, { origins, sources }, outputs)
      : { element: found.row * head.scores.count + found.index, step: 1 }),
  }))
}

function onPicture({ x0, y0, x1, y1 }: Box, geometry: Geometry): Box {
  const [from, to] = [toSource({ x: x0, y: y0 }, geometry), toSource({ x: x1, y: y1 }, geometry)]
  return { x0: from.x, y0: from.y, x1: to.x, y1: to.y }
}

/** The place of a score in the row of all sources' elements. */
function placeOf(
  { from: [first], index }: Detection,
  { origins, sources }: { readonly origins: Origins; readonly sources: readonly string[] },
  outputs: Readonly<Record<string, Tensor>>,
): Pick<FoundBox, 'element' | 'step'> {
  const origin = first && originOf(origins, outputs, first)
  if (!origin || !sources.includes(origin.value)) throw new RangeError('a box without a score')
  const before = sources.slice(0, sources.indexOf(origin.value))
  const offset = before.reduce((sum, value) => sum + sizeOf(outputs[value]?.dims ?? []), 0)
  return { element: offset + origin.index, step: stepOf(origin, index, outputs[origin.value]?.dims ?? []) }
}

/** How far apart a box' scores of neighbouring classes lie: along the only axis on which the score's place is its class. */
function stepOf({ index }: Element, label: number, dims: readonly number[]): number | undefined {
  const steps = dims.flatMap((size, axis) => {
    const step = sizeOf(dims.slice(axis + 1))
    return size > 1 && Math.floor(index / step) % size === label ? [step] : []
  })
  return steps.length === 1 ? steps[0] : undefined
}
