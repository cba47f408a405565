/** What Ultralytics' exporters write into a model of themselves: labels, and how pictures are made its input. */
import { imagenetPreprocessing, letterboxed, type PreprocessSpec } from '../image/index.js'
import type { Graph } from '../onnx/ir.js'
import { valueInfo } from '../onnx/shapes.js'

export interface YoloMetadata {
  /** In class order; undefined where they are not told. */
  readonly labels: readonly string[] | undefined
  readonly preprocessing: PreprocessSpec
}

/** Side of the input where neither the graph nor its metadata says one. */
const USUAL_SIDE = 640

/**
 * Reads `stride`, `names`, `imgsz` and `task` of the model's metadata (YOLOv5 and later); undefined where it has no `stride`. Pictures are letterboxed on grey 114 and
 * divided by 255, those of classifiers (`task` classify) cropped at the centre. The size is the input's, else `imgsz`. OpenCV's bilinear, which Ultralytics scales
 * by, does not average where it shrinks, as Pillow's does here: the pixels of much larger pictures come out smoother.
 */
export function yoloMetadata(graph: Graph): YoloMetadata | undefined {
  const told = new Map(graph.origin.metadataProps.map(({ key, value }) => [key, value]))
  if (!/^\d+/.test(told.get('stride') ?? '')) return undefined
  const names = told.get('names')
  const size = inputSize(graph) ?? numbersIn(told.get('imgsz')) ?? [USUAL_SIDE]
  const [height = USUAL_SIDE, width = height] = size
  const plain: PreprocessSpec = {
    ...imagenetPreprocessing(height, width),
    mean: [0, 0, 0],
    std: [1, 1, 1],
    source: "the model's metadata, as Ultralytics writes it",
  }
  const cropped: PreprocessSpec = {
    ...plain,
    resize: { kind: 'shortest-edge', size: Math.max(height, width) },
    crop: { height, width },
  }
  return {
    labels: names === undefined ? undefined : labelsIn(names),
    preprocessing: told.get('task') === 'classify' ? cropped : letterboxed(plain, { height, width }),
  }
}

/** Height and width of the only picture input, where they are fixed. */
function inputSize(graph: Graph): readonly number[] | undefined {
  const [only, ...more] = graph.inputs.map((i) => valueInfo(i).dims).filter((dims) => dims?.length === 4)
  const [, , height, width] = only ?? []
  return more.length === 0 && typeof height === 'number' && typeof width === 'number' ? [height, width] : undefined
}

/** `[480, 640]` */
function numbersIn(text: string | undefined): readonly number[] | undefined {
  const found = text?.match(/\d+/g)?.map(Number)
  return found?.every((v) => v > 0) ? found : undefined
}

/** Labels of a dictionary as Python prints it: `{0: 'person', 1: "driver's seat"}`. */
function labelsIn(text: string): readonly string[] | undefined {
  const labels: string[] = []
  for (const [, index, quoted = ''] of text.matchAll(/(\d+)\s*:\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/g))
    labels[Number(index)] = quoted.slice(1, -1).replace(/\\(.)/g, '$1')
  return labels.length === 0 ? undefined : Array.from(labels, (l, i) => l ?? `class ${i}`)
}
