/** Which of a graph's outputs are a detector's answer, found from their shapes and from what made them. */
import { ExplainError } from '../../core/errors.js'
import type { Dim } from '../../core/runtime.js'
import { intOf } from '../../onnx/attributes.js'
import type { Graph, Node } from '../../onnx/ir.js'
import { reads } from '../../onnx/ir.js'
import { printDims, type Shapes } from '../../onnx/shapes.js'
import { allColumns, BOX_FORMATS, type BoxFormat, type Columns, type DetectionHead, oneColumn } from './head.js'
import { originsOf } from './origins.js'

/** What is known of a detector from elsewhere, or stated. */
export interface HeadOptions {
  /** As many classes as there are labels for. */
  readonly classes?: number | undefined
  readonly format?: BoxFormat | undefined
}

interface Output {
  readonly name: string
  readonly dims: readonly Dim[]
  readonly isFloat: boolean
}

interface Call {
  readonly graph: Graph
  readonly shapes: Shapes
  readonly outputs: readonly Output[]
  readonly classes: number | undefined
}

/** A way to write detections: the head where the outputs are written so. */
type Finder = (call: Call) => DetectionHead | undefined

/** What a head is where nothing else is said. */
const PLAIN = {
  format: 'xyxy',
  unit: undefined,
  activation: 'none',
  background: undefined,
  objectness: undefined,
  labels: undefined,
  kept: undefined,
  notes: [],
} as const

/**
 * Finds the answer of a detector in a lowered graph; undefined where its outputs are none. Throws `bad-option` for a format that there is not.
 */
export function findDetections(graph: Graph, shapes: Shapes, options: HeadOptions = {}): DetectionHead | undefined {
  if (options.format !== undefined && !BOX_FORMATS.includes(options.format))
    throw new ExplainError('bad-option', {
      what: `Boxes are not written as "${options.format}"`,
      where: 'format',
      remedy: `They are ${BOX_FORMATS.join(', ')}.`,
    })
  const outputs = graph.outputs.flatMap((o): Output[] => {
    const { dims, type } = shapes.get(o.name) ?? {}
    return dims ? [{ name: o.name, dims, isFloat: type?.startsWith('float') ?? true }] : []
  })
  const call = { graph, shapes, outputs, classes: options.classes }
  for (const find of [lists, kept, pairs, rows, grid]) {
    const found = find(call)
    if (found) return options.format === undefined ? found : { ...found, format: options.format }
  }
  return undefined
}

/** Throws `method-not-applicable` where the outputs are no detections. */
export function requireDetections(graph: Graph, shapes: Shapes, options: HeadOptions = {}): DetectionHead {
  const found = findDetections(graph, shapes, options)
  if (found) return found
  const outputs = graph.outputs.map((o) => `${o.name} ${printDims(shapes.get(o.name)?.dims)}`)
  throw new ExplainError('method-not-applicable', {
    what: `The outputs of this model are no detections: ${outputs.join(', ')}`,
    remedy:
      'Read are boxes [K,4] with scores and labels [K]; boxes [N,Q,4] with scores [N,Q,classes]; [N,4+classes,boxes], [N,boxes,5+classes] and [N,K,6] of YOLO; and NonMaxSuppression.',
  })
}

/** Boxes `[K,4]` or `[N,K,4]`, with scores and classes of one axis less: torchvision's, TensorFlow's. */
const lists: Finder = ({ outputs }) => {
  const boxes = boxesAmong(outputs.filter((o) => o.dims.length === 2 || o.dims.length === 3))
  if (!boxes) return undefined
  const along = boxes.dims.length - 2
  const numbers = outputs.filter(
    (o) => o !== boxes && o.dims.length === along + 1 && isSame(o.dims[along], boxes.dims[along]),
  )
  const floats = numbers.filter((o) => o.isFloat)
  const named = (word: RegExp): Output | undefined => floats.find((o) => word.test(o.name))
  const labels = numbers.find((o) => !o.isFloat) ?? named(/class|label/i)
  const scores = floats.length === 1 ? floats[0] : named(/score|conf|prob/i)
  if (!labels || !scores || labels === scores) return undefined
  return {
    ...PLAIN,
    family: 'suppressed',
    boxes: { value: boxes.name, along, across: along + 1, from: 0, count: 4 },
    // the one API that has them so calls them so
    ...(boxes.name.startsWith('detection_boxes') ? { format: 'yxyx', unit: 'parts' } : { format: 'xyxy' }),
    scores: oneColumn(scores.name, along),
    labels: oneColumn(labels.name, along),
  }
}

/** The answer of `NonMaxSuppression` `[K,3]`: the boxes and scores are what it read. */
const kept: Finder = ({ graph, shapes, outputs }) => {
  for (const output of outputs) {
    if (output.isFloat || output.dims.length !== 2 || output.dims[1] !== 3) continue
    let node = graph.producer(output.name)
    while (node && (node.op === 'Cast' || node.op === 'Identity')) node = graph.producer(node.inputs[0] ?? '')
    if (node?.op !== 'NonMaxSuppression') continue
    const [boxes = '', scores = ''] = node.inputs
    return {
      ...PLAIN,
      family: 'grid',
      boxes: allColumns(shapes, boxes, 1, 2),
      format: intOf(node, 'center_point_box', 0) === 1 ? 'cxcywh' : 'xyxy',
      scores: allColumns(shapes, scores, 2, 1),
      kept: output.name,
    }
  }
  return undefined
}

/** Boxes `[N,Q,4]` and scores `[N,Q,C]` or `[N,C,Q]`: the queries of DETR and its kin, or anchors. */
const pairs: Finder = ({ graph, shapes, outputs, classes }) => {
  const boxes = boxesAmong(outputs.filter((o) => o.dims.length === 3))
  if (!boxes) return undefined
  const others = outputs.flatMap((o) => {
    if (o === boxes || !o.isFloat || o.dims.length !== 3) return []
    const along = [1, 2].find((axis) => isSame(o.dims[axis], boxes.dims[1]))
    return along !== undefined && typeof o.dims[3 - along] === 'number' ? [{ ...o, along }] : []
  })
  const scores = others.find((o) => /logit|score|class|conf|prob/i.test(o.name)) ?? others[0]
  if (!scores) return undefined
  const columns = allColumns(shapes, scores.name, scores.along, 3 - scores.along)
  const list = { ...PLAIN, boxes: allColumns(shapes, boxes.name, 1, 2), scores: columns }
  const made = makersOf(graph, shapes, scores.name)
  if (made.includes('Softmax')) return { ...list, family: 'grid', background: backgroundOf(columns.count, classes, 0) }
  if (made.includes('Sigmoid')) return { ...list, family: 'grid' }
  const queries = { ...list, family: 'queries', format: 'cxcywh', unit: 'parts' } as const
  // a class more than there are labels means "nothing"; unknown: models that choose their queries by score have one score a class
  const none = classes === undefined ? !choosesByScore(graph) : columns.count > classes
  const note = none
    ? 'The last class is taken for "no object", as DETR has it.'
    : 'The scores are taken for one sigmoid a class, as RT-DETR has it.'
  return {
    ...queries,
    activation: none ? 'softmax' : 'sigmoid',
    background: none ? columns.count - 1 : undefined,
    notes: classes === undefined ? [`${note} Labels would tell.`] : [],
  }
}

/** `[N,K,6]`, or `[K,7]` with the picture in front: corners, score and class of boxes that the model has chosen itself (YOLOv10, YOLOv7). */
const rows: Finder = ({ graph, outputs }) => {
  const chosen = (o: Output): boolean => o.isFloat && dependsOn(graph, o.name, CHOOSERS)
  const found = outputs.find((o) => o.dims.length === 3 && Number(o.dims[2]) >= 6 && chosen(o))
  const list = { ...PLAIN, family: 'suppressed', unit: 'pixels' } as const
  const column = (value: string, along: number, from: number): Columns => oneColumn(value, along, along + 1, from)
  if (found)
    return {
      ...list,
      boxes: { ...column(found.name, 1, 0), count: 4 },
      scores: column(found.name, 1, 4),
      labels: column(found.name, 1, 5),
    }
  const flat = outputs.find((o) => o.dims.length === 2 && o.dims[1] === 7 && chosen(o))
  if (!flat) return undefined
  return {
    ...list,
    boxes: { ...column(flat.name, 0, 1), count: 4 },
    labels: column(flat.name, 0, 5),
    scores: column(flat.name, 0, 6),
  }
}

/**
 * `[N,4+classes,boxes]` (YOLOv8 to 12), or with objectness `[N,boxes,5+classes]` (YOLOv3 to 7, YOLOX): centre, size, and scores; masks' coefficients or
 * keypoints behind them. Tokens `[N,T,D]` look alike; but these are made of parts, of which some come of a Sigmoid.
 */
const grid: Finder = ({ graph, shapes, outputs, classes }) => {
  const isMixed = (name: string): boolean => {
    const { sources } = originsOf(graph, shapes, [name])
    return sources.length > 1 && sources.some((s) => graph.producer(s)?.op === 'Sigmoid')
  }
  const output = outputs.find(
    (o) => o.isFloat && o.dims.length === 3 && !dependsOn(graph, o.name, CHOOSERS) && isMixed(o.name),
  )
  if (!output) return undefined
  const [, a, b] = output.dims
  // there are more boxes than numbers for each, or as many as the picture's size says
  const across = typeof a === 'number' && (typeof b !== 'number' || a < b) ? 1 : 2
  const count = output.dims[across]
  if (typeof count !== 'number' || count < 5) return undefined
  const along = 3 - across
  // prototypes of masks, [N,M,h,w]: M coefficients of each box
  const prototypes = outputs.find((o) => o !== output && o.dims.length === 4)?.dims[1]
  const masks = typeof prototypes === 'number' ? prototypes : 0
  const objectness = classes === undefined ? across === 2 : count - masks === 5 + classes
  const first = objectness ? 5 : 4
  const scored = classes ?? count - masks - first
  if (scored < 1 || first + scored > count) return undefined
  const part = (from: number, n: number): Columns => ({ value: output.name, along, across, from, count: n })
  return {
    ...PLAIN,
    family: 'grid',
    boxes: part(0, 4),
    format: 'cxcywh',
    scores: part(first, scored),
    objectness: objectness ? part(4, 1) : undefined,
    notes:
      classes === undefined
        ? [
            `"${output.name}" ${printDims(output.dims)} is read as ${scored} classes ${objectness ? 'with' : 'without'} objectness. Labels would tell.`,
          ]
        : [],
  }
}

/** The output of four numbers a box; where scores are of four classes, the one that is called so. */
function boxesAmong(outputs: readonly Output[]): Output | undefined {
  const found = outputs.filter((o) => o.isFloat && o.dims.at(-1) === 4)
  return found.find((o) => /box/i.test(o.name)) ?? found[0]
}

function isSame(a: Dim | undefined, b: Dim | undefined): boolean {
  return typeof a !== 'number' || typeof b !== 'number' || a === b
}

/** The class that means "nothing", where there is one more than there are labels for. */
function backgroundOf(count: number, classes: number | undefined, at: number): number | undefined {
  return classes === undefined || count === classes + 1 ? at : undefined
}

/** Operators that give a choice of boxes. */
const CHOOSERS: ReadonlySet<string> = new Set(['NonMaxSuppression', 'TopK', 'ArgMax'])

/** The operators that made what a value was chosen from. */
function makersOf(graph: Graph, shapes: Shapes, value: string): readonly string[] {
  return originsOf(graph, shapes, [value]).sources.flatMap((s) => graph.producer(s)?.op ?? [])
}

/** True where some node before a value is one of these operators. */
function dependsOn(graph: Graph, value: string, operators: ReadonlySet<string>): boolean {
  return someBefore(graph, [value], (node) => operators.has(node.op))
}

function someBefore(graph: Graph, values: readonly string[], wanted: (node: Node) => boolean): boolean {
  const seen = new Set<string>()
  const queue = [...values]
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    const node = seen.has(value) ? undefined : graph.producer(value)
    seen.add(value)
    if (!node) continue
    if (wanted(node)) return true
    queue.push(...reads(node))
  }
  return false
}

/** Deformable attention samples, and two-stage models choose queries: those have one score a class. */
function choosesByScore(graph: Graph): boolean {
  return graph.nodes.some((n) => n.op === 'TopK' || n.op === 'GridSample')
}
