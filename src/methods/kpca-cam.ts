import { ExplainError } from '../core/errors.js'
import type { Dim } from '../core/runtime.js'
import type { Builder } from '../onnx/builder.js'
import { centredPlaces, largestEigen, signedMap } from './eigen.js'
import { defineMethod } from './method.js'

/** Places of a layer, at most: 64 x 64. */
const MOST_PLACES = 4096

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
 * scikit-learn's `KernelPCA(kernel='sigmoid')`: the centred kernel matrix' eigenvector of the largest eigenvalue l, times `sqrt(l)`. Memory and time grow with the
 * square and the cube of the number of places, so that layers of very many are refused where their size is known. The sign: the value farthest
 * from 0 is positive.
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
    const { value: layer, features } = context.layer()
    refuseLarge(layer, b.dims(features) ?? [])
    const rows = centredPlaces(b, features)
    const matrix = centredKernel(b, rows, gammaOf(b, features, context.options.gamma))
    const { vector, value } = largestEigen(b, matrix)
    return signedMap(b, b.op('Mul', [vector, b.op('Sqrt', [b.op('Relu', [value])])]), features)
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

function refuseLarge(layer: string, [, , ...places]: readonly Dim[]): void {
  const count = places.reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1)
  if (count <= MOST_PLACES) return
  throw new ExplainError('method-not-applicable', {
    what: `kpca-cam compares all places of a layer with each other: "${layer}" has ${count}, and ${MOST_PLACES} are the most`,
    remedy: 'Choose a later layer, or eigen-cam.',
  })
}
