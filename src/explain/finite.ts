/** Looks for the reason of an answer that is not finite. */
import { ExplainError } from '../core/errors.js'
import { toFloat32 } from '../onnx/float16.js'
import type { Graph } from '../onnx/ir.js'

/** Throws `not-finite-weight` naming every weight that holds NaN or infinity, or says that the network itself overflows. */
export function refuseBadWeights(graph: Graph): never {
  const bad = [...graph.initializers.keys()].filter((name) => {
    const stored = graph.constant(name)
    const t = stored && toFloat32(stored)
    return t?.data instanceof Float32Array && t.data.some((v) => !Number.isFinite(v))
  })
  if (bad.length > 0)
    throw new ExplainError('not-finite-weight', {
      what: `The model's answer is not finite: ${bad.length} of its weights hold NaN or infinity: ${bad.slice(0, 5).join(', ')}`,
      remedy: 'The model was damaged in training or export; export it again.',
      details: { weights: bad },
    })
  throw new ExplainError('not-finite-weight', {
    what: "The model's answer is not finite, although its weights are",
    remedy: 'The network overflows on this picture; check the preprocessing.',
  })
}
