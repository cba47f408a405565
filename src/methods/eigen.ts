/** The first principal component of a feature map, and its parts: what Eigen-CAM and its kind draw. */
import type { Builder } from '../onnx/builder.js'

/** Squarings of the Gram matrix: the power method with 2^12 steps. */
const SQUARINGS = 12

/**
 * `[N,K,...spatial]` projected on its first principal component over places (channels centred, no scaling): the map `[N,...spatial]`. The
 * Gram matrix is squared over and over, and so turns into the projector on its first eigenvector. An eigenvector has no sign; the one is
 * taken under which the value farthest from 0 is positive (Chung and Ying, Appl. Sci. 2025, equation 13).
 */
export function firstComponent(b: Builder, features: string): string {
  const centred = centredPlaces(b, features)
  const columns = b.transpose(centred, [0, 2, 1])
  const byPlaces = hasFewPlaces(b, features)
  const vector = byPlaces
    ? b.op('MatMul', [columns, firstEigenvector(b, b.op('MatMul', [centred, columns]))])
    : firstEigenvector(b, b.op('MatMul', [columns, centred]))
  return signedMap(b, b.op('MatMul', [centred, unit(b, vector)]), features)
}

/** `[N,places,K]`: a row for each place of `[N,K,...spatial]`, each channel less its mean. */
export function centredPlaces(b: Builder, features: string): string {
  const rows = b.transpose(b.op('Reshape', [features, b.int64s([0, 0, -1])]), [0, 2, 1])
  return b.op('Sub', [rows, b.op('ReduceMean', [rows, b.int64s([1])], { keepdims: 1 })])
}

/** `[N,places,1]`, of either sign, as the map `[N,...spatial]` of the places of `features` whose value farthest from 0 is positive. */
export function signedMap(b: Builder, projection: string, features: string): string {
  const rank = b.requireRank(features, 'a principal component')
  const spatial = Array.from({ length: rank - 2 }, (_, i) => b.extent(features, i + 2))
  const largest = b.op('ReduceMax', [projection, b.int64s([1])], { keepdims: 1 })
  const smallest = b.op('ReduceMin', [projection, b.int64s([1])], { keepdims: 1 })
  const turned = b.op('Less', [largest, b.op('Neg', [smallest])])
  return b.reshape(b.op('Where', [turned, b.op('Neg', [projection]), projection]), [-1, ...spatial])
}

/** `[N,n,1]` at length 1. */
function unit(b: Builder, vector: string): string {
  const length = b.op('ReduceL2', [vector, b.int64s([1])], { keepdims: 1 })
  return b.op('Div', [vector, b.op('Max', [length, tiny(b, vector)])])
}

/** Whether the matrix of places with places is smaller than that of channels with channels. A free size may be any: then it is not. */
function hasFewPlaces(b: Builder, features: string): boolean {
  const [channels, ...places] = (b.dims(features) ?? []).slice(1)
  const count = places.reduce<number>((n, d) => (typeof d === 'number' ? n * d : Number.POSITIVE_INFINITY), 1)
  return count <= (typeof channels === 'number' ? channels : 0)
}

/** `[N,n,1]`: the eigenvector of symmetric matrices `[N,n,n]` whose eigenvalue is farthest from 0, of any length and sign. */
function firstEigenvector(b: Builder, gram: string): string {
  let projector = normalised(b, gram)
  for (let i = 0; i < SQUARINGS; i++) projector = normalised(b, b.op('MatMul', [projector, projector]))
  // every column of the projector is a multiple of it; the longest is no rounding noise
  const length = b.op('ReduceSumSquare', [projector, b.int64s([1])], { keepdims: 1 })
  const longest = b.op('ArgMax', [length], { axis: 2, keepdims: 1 })
  const shape = b.op('Shape', [projector])
  const index = b.op('Expand', [
    longest,
    b.op('Concat', [b.op('Slice', [shape, b.int64s([0]), b.int64s([2])]), b.int64s([1])], { axis: 0 }),
  ])
  return b.op('GatherElements', [projector, index], { axis: 2 })
}

/**
 * The unit eigenvector `[N,n,1]` of symmetric matrices `[N,n,n]` whose eigenvalue, `[N,1,1]`, is the largest, negative ones counted as such. Where a negative
 * one is farthest from 0, the matrix is moved up by it, and decomposed again.
 */
export function largestEigen(b: Builder, matrix: string): { readonly vector: string; readonly value: string } {
  const quotient = (vector: string): string =>
    b.op('MatMul', [b.transpose(vector, [0, 2, 1]), b.op('MatMul', [matrix, vector])])
  const below = b.op('Relu', [b.op('Neg', [quotient(unit(b, firstEigenvector(b, matrix)))])])
  const identity = b.op('EyeLike', [b.reduceSum(matrix, [0], false)])
  const vector = unit(b, firstEigenvector(b, b.op('Add', [matrix, b.op('Mul', [identity, below])])))
  return { vector, value: quotient(vector) }
}

/** A matrix over its largest absolute value, so that powers neither overflow nor vanish. */
function normalised(b: Builder, matrix: string): string {
  const largest = b.op('ReduceMax', [b.op('Abs', [matrix]), b.int64s([1, 2])], { keepdims: 1 })
  return b.op('Div', [matrix, b.op('Max', [largest, tiny(b, matrix)])])
}

function tiny(b: Builder, like: string): string {
  return b.scalar(1e-30, like)
}
