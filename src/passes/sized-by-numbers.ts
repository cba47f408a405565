/** Which values' shapes rest on numbers that are fed, and not on the inputs' shapes alone: what is measured in a run says nothing of the next. */
import { graphsOf } from '../onnx/attributes.js'
import { type Graph, type Node, reads } from '../onnx/ir.js'
import { sorted } from './prune.js'

/** Operators that give as many elements as fulfil something. */
const COUNTS: ReadonlySet<string> = new Set(['Compress', 'NonMaxSuppression', 'NonZero', 'Unique'])

/** The inputs that say a shape, by operator. */
const SAYS_SHAPE: Readonly<Record<string, readonly number[]>> = {
  AffineGrid: [1],
  BlackmanWindow: [0],
  CenterCropPad: [1],
  Col2Im: [1, 2],
  ConstantOfShape: [0],
  DFT: [1],
  Expand: [1],
  HammingWindow: [0],
  HannWindow: [0],
  If: [0],
  Loop: [0, 1],
  MaxUnpool: [2],
  MelWeightMatrix: [0, 1],
  OneHot: [1],
  Pad: [1],
  Range: [0, 1, 2],
  Reshape: [1],
  Resize: [1, 2, 3],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  STFT: [1, 3],
  Tile: [1],
  TopK: [1],
  Unsqueeze: [1],
  Upsample: [1],
}

function saysShape({ op }: Node): readonly number[] {
  // the axes of reductions
  return SAYS_SHAPE[op] ?? (op.startsWith('Reduce') ? [1] : [])
}

/** The values of a lowered graph of which no axis may be taken for a constant because it was the same in two runs. */
export function sizedByNumbers(graph: Graph): ReadonlySet<string> {
  // values whose numbers, and values whose shapes, rest on what is fed
  const numbers = new Set(graph.inputs.map((i) => i.name))
  const shapes = new Set<string>()
  for (const node of sorted(graph)) {
    const read = [...reads(node)]
    const sized = read.some((x) => shapes.has(x))
    const said = saysShape(node).some((i) => numbers.has(node.inputs[i] ?? ''))
    const counted = countsIn(node) && read.some((x) => numbers.has(x))
    const asksShape = node.domain === '' && (node.op === 'Shape' || node.op === 'Size')
    for (const output of node.outputs) {
      if (asksShape ? sized : sized || read.some((x) => numbers.has(x))) numbers.add(output)
      if (!asksShape && (sized || said || counted)) shapes.add(output)
    }
  }
  return shapes
}

function countsIn(node: Node): boolean {
  return COUNTS.has(node.op) || graphsOf(node).some((g) => g.node.some((n) => COUNTS.has(n.opType)))
}
