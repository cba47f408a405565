/** What a network adds to its values on the way, whatever the picture: biases, as FullGrad counts them. */
import { floatOf } from '../onnx/attributes.js'
import type { Builder } from '../onnx/builder.js'
import type { Node } from '../onnx/ir.js'

/** A value, and what was added to it: a value of a shape that broadcasts to its own. */
export interface Bias {
  readonly value: string
  readonly bias: string
}

/**
 * The biases of nodes on the way from `input` to the score: those of `Conv`, `ConvTranspose`, `Gemm` and norms, that of `BatchNormalization` with what its mean
 * takes off (`B - mean * scale / sqrt(var + epsilon)`, the paper's implicit bias), and everything else that does not depend on the picture and is added to
 * what does.
 */
export function biasesOf(b: Builder, path: readonly Node[], input: string): readonly Bias[] {
  const moving = dependents(path, input)
  return path.flatMap((node): Bias[] => {
    const [value = ''] = node.outputs
    const bias = node.domain === '' ? biasOf(b, node, moving) : undefined
    return bias === undefined ? [] : [{ value, bias }]
  })
}

function biasOf(b: Builder, node: Node, moving: ReadonlySet<string>): string | undefined {
  const [x = '', w = '', c = '', mean = '', variance = ''] = node.inputs
  const channels = (vector: string): string =>
    overChannels(b, vector, b.requireRank(node.outputs[0] ?? '', 'full-grad'))
  switch (node.op) {
    case 'Conv':
    case 'ConvTranspose':
      return c === '' ? undefined : channels(c)
    case 'Gemm': {
      const beta = floatOf(node, 'beta', 1)
      return c === '' || moving.has(c) ? undefined : beta === 1 ? c : b.op('Mul', [c, b.scalar(beta, c)])
    }
    case 'BatchNormalization': {
      const epsilon = floatOf(node, 'epsilon', 1e-5)
      const deviation = b.op('Sqrt', [b.op('Add', [variance, b.scalar(epsilon, variance)])])
      return channels(b.op('Sub', [c, b.op('Div', [b.op('Mul', [mean, w]), deviation])]))
    }
    case 'InstanceNormalization':
      return channels(c)
    case 'LayerNormalization':
      return c === '' ? undefined : c
    case 'Add':
      return moving.has(x) === moving.has(w) ? undefined : moving.has(x) ? w : x
    case 'Sub':
      return moving.has(x) === moving.has(w) ? undefined : moving.has(x) ? b.op('Neg', [w]) : x
    default:
      return undefined
  }
}

/** A vector of channels, to broadcast to `[N,K,...]`. */
function overChannels(b: Builder, vector: string, rank: number): string {
  return b.reshape(vector, [-1, ...Array.from({ length: rank - 2 }, () => 1)])
}

/** The values that depend on the picture through what is differentiated. */
function dependents(path: readonly Node[], input: string): ReadonlySet<string> {
  return new Set([input, ...path.flatMap((node) => node.outputs)])
}

const NONLINEAR = new Set([
  ...[
    'Celu',
    'Clip',
    'Elu',
    'Erf',
    'Exp',
    'Gelu',
    'HardSigmoid',
    'HardSwish',
    'Log',
    'LogSoftmax',
    'Mish',
    'Pow',
    'Reciprocal',
    'Selu',
  ],
  ...[
    'Sigmoid',
    'Softmax',
    'Softplus',
    'Softsign',
    'Sqrt',
    'Tanh',
    'ThresholdedRelu',
    'InstanceNormalization',
    'LayerNormalization',
  ],
])

/**
 * Says which nodes on the way are not linear on both sides of 0, so that the picture's part and those of the biases do not sum to the score; undefined
 * where there are none.
 */
export function incomplete(path: readonly Node[], input: string, method: string): string | undefined {
  const moving = dependents(path, input)
  const counts = new Map<string, number>()
  for (const node of path) {
    const products =
      ['Mul', 'Div', 'MatMul', 'Einsum'].includes(node.op) && node.inputs.filter((x) => moving.has(x)).length > 1
    if (NONLINEAR.has(node.op) || products) counts.set(node.op, (counts.get(node.op) ?? 0) + 1)
  }
  if (counts.size === 0) return undefined
  const list = [...counts].map(([op, n]) => `${op} (${n})`).join(', ')
  return `${method}: the parts of the picture and of the biases sum to the score on networks of Relu; here ${list} have parts that are not counted.`
}
