/** Transforms of signals. */
import { int64 } from '../../core/tensor.js'
import { intOf } from '../../onnx/attributes.js'
import { defineDecompositions } from './decomposition.js'
import { range, scalarExtent } from './parts.js'

/** From this opset on DFT's axis is an input. */
const AXIS_IS_INPUT = 20

export const signal = defineDecompositions({
  /**
   * The DFT of each frame: of `frame_length` samples from every `frame_step`-th on, times the window. `[N, length, 1 or 2]` to
   * `[N, frames, bins, 2]`.
   */
  STFT: (node, b) => {
    const [x = '', frameStep = '', window = '', frameLength = ''] = node.inputs
    const whole = b.extent(x, 1)
    const given = frameLength ? scalarExtent(b, frameLength) : undefined
    const size = given ?? (window ? b.extent(window, 0) : whole)
    const step = scalarExtent(b, frameStep)
    const frames = b.add(b.div(b.sub(whole, size), step), 1)
    const starts = b.op('Mul', [range(b, frames), b.vector([step])])
    const positions = b.op('Add', [b.op('Unsqueeze', [starts, b.int64s([1])]), range(b, size)])
    const cut = b.op('Gather', [x, positions], { axis: 1 })
    const seen = window ? b.op('Mul', [cut, b.op('Unsqueeze', [window, b.int64s([1])])]) : cut
    const onesided = intOf(node, 'onesided', 1)
    if (b.graph.opset < AXIS_IS_INPUT) return [b.op('DFT', [seen], { axis: 2, onesided })]
    return [b.op('DFT', [seen, '', b.constant(int64([], [2]))], { onesided })]
  },
})
