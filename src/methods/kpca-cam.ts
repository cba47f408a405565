import type { Builder } from '../onnx/builder.js'
import { centredPlaces, firstEigenvector, signedMap, unit } from './eigen.js'
import { defineMethod } from './method.js'

const OPTIONS = {
  gamma: {
    kind: 'number',
    default: 0,
    minimum: 0,
    maximum: 1e6,
    unit: '',
    description: 'scale of the kernel tanh(gamma x.y + 1); 0: one over the number of channels',
  },
} as const

/**
 * KPCA-CAM: the first component of kernel PCA of the layer's places, with the kernel `k(x,y) = tanh(gamma x.y + 1)` of channels less their means, as
 * scikit-learn's `KernelPCA(kernel='sigmoid')`: the centred kernel matrix' eigenvector of the largest eigenvalue l, times `sqrt(l)`. The kernel has
 * negative eigenvalues too; where one of these is farthest from 0, the matrix is moved up by it and decomposed again. Memory and time grow with
 * the square and the cube of the number of places. The sign: the value farthest from 0 is positive.
 */
export const kpcaCam = defineMethod({
  id: 'kpca-cam',
  kind: 'compiled',
  title: 'KPCA-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'As Eigen-CAM, with a kernel in place of plain products: what stands out in the layer, whatever the class.',
  source: 'Karmani et al., MMSP 2024 (arXiv 2410.00267), section III; kernel and centring as in pytorch-grad-cam',
  cost: '1 forward',
  options: OPTIONS,
  build: (context) => {
    const { b } = context
    const { features } = context.layer()
    const rows = centredPlaces(b, features)
    const matrix = centredKernel(b, rows, gammaOf(b, features, context.options.gamma))
    const farthest = unit(b, firstEigenvector(b, matrix))
    const below = b.op('Relu', [b.op('Neg', [quotient(b, matrix, farthest)])])
    const moved = b.op('Add', [matrix, b.op('Mul', [identityLike(b, matrix), below])])
    const first = unit(b, firstEigenvector(b, moved))
    const eigenvalue = b.op('Relu', [quotient(b, matrix, first)])
    return signedMap(b, b.op('Mul', [first, b.op('Sqrt', [eigenvalue])]), features)
  },
})

/** `[N,P,P]`: the kernel of rows `[N,P,K]` with each other, its rows and columns less their means. */
function centredKernel(b: Builder, rows: string, gamma: string): string {
  const products = b.op('MatMul', [rows, b.transpose(rows, [0, 2, 1])])
  const kernel = b.op('Tanh', [b.op('Add', [b.op('Mul', [products, gamma]), b.scalar(1, rows)])])
  const mean = (value: string, axis: number): string => b.op('ReduceMean', [value, b.int64s([axis])], { keepdims: 1 })
  const half = b.op('Sub', [kernel, mean(kernel, 1)])
  return b.op('Sub', [half, mean(half, 2)])
}

function gammaOf(b: Builder, features: string, gamma: number): string {
  if (gamma > 0) return b.scalar(gamma, features)
  const channels = b.extent(features, 1)
  if (typeof channels === 'number') return b.scalar(1 / channels, features)
  return b.op('Reciprocal', [b.op('CastLike', [channels, features])])
}

/** `[N,1,1]`: the Rayleigh quotient of a unit vector `[N,P,1]`. */
function quotient(b: Builder, matrix: string, vector: string): string {
  return b.op('MatMul', [b.transpose(vector, [0, 2, 1]), b.op('MatMul', [matrix, vector])])
}

/** The identity `[P,P]` of matrices `[N,P,P]`. */
function identityLike(b: Builder, matrix: string): string {
  return b.op('EyeLike', [b.reduceSum(matrix, [0], false)])
}
