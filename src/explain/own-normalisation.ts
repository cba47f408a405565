/** Models that normalise pictures themselves: their first nodes subtract a mean of each channel. */
import type { PreprocessSpec } from '../image/index.js'
import type { Graph } from '../onnx/ir.js'
import { TRANSPARENT } from '../targets/answer.js'
import type { PictureInput } from './input.js'

/**
 * The usual preprocessing without normalising, where the graph subtracts a constant for each channel before all else, as torchvision's detectors do: pixels / 255 where
 * the means are below 1, else pixels as they are. The picture keeps its size where the input is free, since such models scale it themselves, and is stretched to a fixed one.
 * undefined where the graph does nothing of the kind.
 */
export function ownNormalisation(graph: Graph, input: PictureInput, usual: PreprocessSpec): PreprocessSpec | undefined {
  const means = subtracted(graph, input)
  if (!means) return undefined
  const { height, width } = input
  const each = (value: number): number[] => usual.mean.map(() => value)
  return {
    ...usual,
    resize: height !== undefined && width !== undefined ? { kind: 'exact', height, width } : { kind: 'none' },
    crop: undefined,
    rescale: means.every((m) => m < 1) ? usual.rescale : 1,
    mean: each(0),
    std: each(1),
    source: 'the model normalises pictures itself (read from its first nodes)',
  }
}

/** Operators that take a picture out of a batch. */
const PICKS: ReadonlySet<string> = new Set(['Gather', 'Split'])

/** The positive constants, one a channel, that are subtracted from the input before anything else is done with it. */
function subtracted(graph: Graph, { name, channels }: PictureInput): readonly number[] | undefined {
  let value = name
  for (;;) {
    const next = graph.consumers(value).filter((n) => n.op !== 'Shape')
    const [node] = next
    if (!node || next.length > 1 || node.domain !== '') return undefined
    if (node.op === 'Sub' && node.inputs[0] === value) {
      const means = Array.from(graph.constant(node.inputs[1] ?? '')?.data ?? [], Number)
      return means.length === channels && means.every((m) => m > 0) ? means : undefined
    }
    if (!(TRANSPARENT.has(node.op) || PICKS.has(node.op)) || node.inputs[0] !== value) return undefined
    value = node.outputs[0] ?? ''
  }
}
