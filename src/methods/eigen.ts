/** The first principal component of a feature map: what Eigen-CAM and its kind draw. */
import type { Builder } from '../onnx/builder.js'

/** Squarings of the Gram matrix: the power method with 2^12 steps. */
const SQUARINGS = 12

/**
 * `[N,K,...spatial]` projected on its first principal component over places (channels centred, no scaling): the map `[N,...spatial]`. The
 * Gram matrix of the places is squared over and over, and so turns into the projector on its first eigenvector. An eigenvector has no
 * sign; the one is taken under which the value farthest from 0 is positive (Chung and Ying, Appl. Sci. 2025, equation 13).
 */
export function firstComponent(b: Builder, features: string): string {
  const rank = b.requireRank(features, 'a principal component')
  const spatial = Array.from({ length: rank - 2 }, (_, i) => b.extent(features, i + 2))
  const rows = b.transpose(b.op('Reshape', [features, b.int64s([0, 0, -1])]), [0, 2, 1])
  const centred = b.op('Sub', [rows, b.op('ReduceMean', [rows, b.int64s([1])], { keepdims: 1 })])
  const gram = b.op('MatMul', [centred, b.transpose(centred, [0, 2, 1])])
  let projector = normalised(b, gram)
  for (let i = 0; i < SQUARINGS; i++) projector = normalised(b, b.op('MatMul', [projector, projector]))
  // any column of the projector is the eigenvector; the longest is that of the largest diagonal element, and sums of rows may cancel
  const length = b.op('ReduceSumSquare', [projector, b.int64s([1])], { keepdims: 1 })
  const longest = b.op('ArgMax', [length], { axis: 2, keepdims: 1 })
  const places = b.extent(projector, 1)
  const index = b.op('Expand', [longest, b.vector([b.extent(features, 0), places, 1])])
  const column = b.op('GatherElements', [projector, index], { axis: 2 })
  const unit = b.op('Div', [
    column,
    b.op('Max', [b.op('ReduceL2', [column, b.int64s([1])], { keepdims: 1 }), tiny(b, column)]),
  ])
  // the projection on the right singular vector is the left one times the singular value
  const energy = b.op('MatMul', [b.transpose(unit, [0, 2, 1]), b.op('MatMul', [gram, unit])])
  const projection = b.op('Mul', [unit, b.op('Sqrt', [b.op('Relu', [energy])])])
  const largest = b.op('ReduceMax', [projection, b.int64s([1])], { keepdims: 1 })
  const smallest = b.op('ReduceMin', [projection, b.int64s([1])], { keepdims: 1 })
  const turned = b.op('Less', [largest, b.op('Neg', [smallest])])
  const signed = b.op('Where', [turned, b.op('Neg', [projection]), projection])
  return b.reshape(signed, [-1, ...spatial])
}

/** A matrix over its largest absolute value, so that powers neither overflow nor vanish. */
function normalised(b: Builder, matrix: string): string {
  const largest = b.op('ReduceMax', [b.op('Abs', [matrix]), b.int64s([1, 2])], { keepdims: 1 })
  return b.op('Div', [matrix, b.op('Max', [largest, tiny(b, matrix)])])
}

function tiny(b: Builder, like: string): string {
  return b.scalar(1e-30, like)
}
