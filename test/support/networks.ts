/** Small networks with random weights, as exporters write them. */
import type { Dim } from '../../src/core/runtime.js'
import { float32, int64, sizeOf, type Tensor } from '../../src/core/tensor.js'
import type { AttributeValue } from '../../src/onnx/attributes.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { model, type NodeSpec } from './model.js'
import { random } from './random.js'

/** How the features become logits. */
export type Head =
  | 'gemm'
  | 'gemm-transposed'
  | 'matmul-add'
  | 'conv-1x1'
  | 'pooled-channels'
  | 'max-pool-gemm'
  | 'reduce-mean'
  | 'flatten-gemm'
  | 'log-mean-exp-gemm'
  | 'log-sum-exp-gemm'
  | 'stable-log-mean-exp-gemm'

/** How sharp the heads of log-sum-exp are. */
export const SHARPNESS = 0.5

export const SIDE = 12
/** Side of the feature map. */
export const FEATURES_SIDE = 6

export interface NetworkOptions {
  readonly seed?: number
  readonly classes?: number
  readonly channels?: number
  readonly head?: Head
  /** Activation behind each convolution. Default: `Relu`. */
  readonly activation?: {
    readonly op: string
    readonly attributes?: NodeSpec['attributes']
    readonly inputs?: readonly string[]
  }
  /** Default: `N`, a free batch. */
  readonly batch?: Dim
  /** Behind the logits: `Softmax`, `Sigmoid`, ... */
  readonly end?: string
  /** Initialisers for `activation.inputs`. */
  readonly initializers?: Readonly<Record<string, Tensor>>
  readonly opset?: number
  readonly bias?: boolean
  /** Order of the classes in the last layer. */
  readonly order?: readonly number[]
}

/** A tensor of standard normal numbers. */
export function noise(seed: number, ...dims: number[]): Tensor<'float32'> {
  const r = random(seed)
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => r.normal()),
  )
}

export function picture(seed: number, batch = 1): Tensor<'float32'> {
  return noise(seed, batch, 3, SIDE, SIDE)
}

/** Permutes the first axis. */
function reordered(t: Tensor<'float32'>, order: readonly number[]): Tensor<'float32'> {
  const row = sizeOf(t.dims.slice(1))
  return float32(
    t.dims,
    order.flatMap((c) => Array.from(t.data.subarray(c * row, (c + 1) * row))),
  )
}

function transposed(t: Tensor<'float32'>): Tensor<'float32'> {
  const [rows = 0, columns = 0] = t.dims
  return float32(
    [columns, rows],
    Array.from({ length: rows * columns }, (_, i) => t.data[(i % rows) * columns + Math.floor(i / rows)] ?? 0),
  )
}

/**
 * `x -> Conv (stride 2) -> hidden -> Conv -> features -> head -> logits [-> end -> answer]`. `w` of the head is
 * `[classes, channels]` before any transposition, `c` its bias.
 */
export function network(options: NetworkOptions = {}): Graph {
  const {
    seed = 1,
    classes = 4,
    channels = 5,
    head = 'gemm-transposed',
    batch = 'N',
    end,
    opset = 18,
    bias = true,
  } = options
  const width = head === 'pooled-channels' ? classes : channels
  const order = options.order ?? Array.from({ length: classes }, (_, i) => i)
  const activation = options.activation ?? { op: 'Relu' }
  const act = (from: string, to: string): NodeSpec => ({
    op: activation.op,
    inputs: [from, ...(activation.inputs ?? [])],
    outputs: [to],
    attributes: activation.attributes ?? {},
  })
  const inner = head === 'flatten-gemm' ? width * FEATURES_SIDE * FEATURES_SIDE : width
  const w = reordered(noise(seed + 3, classes, inner), order)
  const c = reordered(noise(seed + 4, classes), order)
  const second = noise(seed + 2, width, 6, 3, 3)
  const initializers: Record<string, Tensor> = {
    w1: noise(seed + 1, 6, 3, 3, 3),
    b1: noise(seed + 5, 6),
    w2: head === 'pooled-channels' ? reordered(second, order) : second,
    ...options.initializers,
  }
  const node = (
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): NodeSpec => ({ op, inputs, outputs: [output], attributes })
  const biased = (...inputs: string[]): string[] => (bias ? [...inputs, 'c'] : inputs)
  if (bias && head !== 'pooled-channels') initializers.c = c
  const pool = node(head === 'max-pool-gemm' ? 'GlobalMaxPool' : 'GlobalAveragePool', ['features'], 'pooled')
  const flat = node('Flatten', ['pooled'], 'flat')
  const gemm = (input: string): NodeSpec => node('Gemm', biased(input, 'w'), 'logits', { transB: 1 })
  const heads: Readonly<Record<Head, () => readonly NodeSpec[]>> = {
    'gemm-transposed': () => [pool, flat, gemm('flat')],
    'max-pool-gemm': () => [pool, flat, gemm('flat')],
    'flatten-gemm': () => [node('Flatten', ['features'], 'flat'), gemm('flat')],
    gemm: () => [pool, flat, node('Gemm', biased('flat', 'w'), 'logits')],
    'matmul-add': () => [pool, flat, node('MatMul', ['flat', 'w'], 'product'), node('Add', ['product', 'c'], 'logits')],
    'conv-1x1': () => [pool, node('Conv', biased('pooled', 'w'), 'scores'), node('Flatten', ['scores'], 'logits')],
    'pooled-channels': () => [pool, node('Flatten', ['pooled'], 'logits')],
    // r A, and the log of its exponentials' mean over r
    'log-mean-exp-gemm': () => [
      node('Mul', ['features', 'r'], 'sharp'),
      node('Exp', ['sharp'], 'exponentials'),
      node('GlobalAveragePool', ['exponentials'], 'mean'),
      node('Log', ['mean'], 'logarithm'),
      node('Div', ['logarithm', 'r'], 'pooled'),
      flat,
      gemm('flat'),
    ],
    // as torch.logsumexp over places is exported
    'log-sum-exp-gemm': () => [
      node('Mul', ['r', 'features'], 'sharp'),
      node('ReduceLogSumExp', ['sharp', 'places'], 'sum', { keepdims: 0 }),
      node('Sub', ['sum', 'count'], 'mean'),
      node('Div', ['mean', 'r'], 'flat'),
      gemm('flat'),
    ],
    'stable-log-mean-exp-gemm': () => [
      node('ReduceMax', ['features', 'places'], 'highest', { keepdims: 1 }),
      node('Sub', ['features', 'highest'], 'below'),
      node('Mul', ['below', 'r'], 'sharp'),
      node('Exp', ['sharp'], 'exponentials'),
      node('ReduceMean', ['exponentials', 'places'], 'mean', { keepdims: 1 }),
      node('Log', ['mean'], 'logarithm'),
      node('Div', ['logarithm', 'r'], 'part'),
      node('Add', ['part', 'highest'], 'pooled'),
      flat,
      gemm('flat'),
    ],
    'reduce-mean': () => [node('ReduceMean', ['features'], 'flat', { axes: [-1, -2], keepdims: 0 }), gemm('flat')],
  }
  if (head.endsWith('-exp-gemm')) {
    initializers.r = float32([], [SHARPNESS])
    initializers.places = int64([2], [2, 3])
    initializers.count = float32([], [Math.log(FEATURES_SIDE ** 2)])
  }
  if (head === 'conv-1x1') initializers.w = float32([classes, inner, 1, 1], w.data)
  else if (head === 'gemm' || head === 'matmul-add') initializers.w = transposed(w)
  else if (head !== 'pooled-channels') initializers.w = w
  return model({
    opset: head === 'reduce-mean' ? Math.min(opset, 17) : opset,
    nodes: [
      node('Conv', ['x', 'w1', 'b1'], 'conv1', { strides: [2, 2], pads: [1, 1, 1, 1] }),
      act('conv1', 'hidden'),
      node('Conv', ['hidden', 'w2'], 'conv2', { pads: [1, 1, 1, 1] }),
      act('conv2', 'features'),
      ...heads[head](),
      ...(end === undefined ? [] : [node(end, ['logits'], 'answer')]),
    ],
    inputs: [declare('x', 'float32', [batch, 3, SIDE, SIDE])],
    outputs: [declare(end === undefined ? 'logits' : 'answer', 'float32', [batch, classes])],
    initializers,
  })
}
