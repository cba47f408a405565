/** ONNX Runtime's activations fused with what stands before them. */
import { ExplainError } from '../../core/errors.js'
import { float, floatOf, floatsOf, intOf, stringOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { describe, type Node } from '../../onnx/ir.js'
import { type Decompose, defineDecompositions } from './decomposition.js'

/** `x / 2 (1 + erf(x / sqrt 2))`. Hendrycks and Gimpel 2016. */
export function gelu(b: Builder, x: string): string {
  const erf = b.op('Erf', [b.op('Mul', [x, b.scalar(Math.SQRT1_2, x)])])
  return b.op('Mul', [b.op('Mul', [x, b.scalar(0.5, x)]), b.op('Add', [erf, b.scalar(1, x)])])
}

/** `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))` */
function tanhGelu(b: Builder, x: string): string {
  const cubic = b.op('Mul', [b.op('Mul', [x, x]), b.scalar(0.044715 * Math.sqrt(2 / Math.PI), x)])
  const inner = b.op('Mul', [x, b.op('Add', [cubic, b.scalar(Math.sqrt(2 / Math.PI), x)])])
  return b.op('Mul', [b.op('Mul', [x, b.scalar(0.5, x)]), b.op('Add', [b.op('Tanh', [inner]), b.scalar(1, x)])])
}

/** `z sigmoid(alpha z)` */
export function sigmoidLinear(b: Builder, z: string, alpha: number): string {
  const scaled = alpha === 1 ? z : b.op('Mul', [z, b.scalar(alpha, z)])
  return b.op('Mul', [z, b.op('Sigmoid', [scaled])])
}

export function biased(b: Builder, x: string, bias: string | undefined): string {
  if (!bias) return x
  const sum = b.op('Add', [x, bias])
  b.know(sum, b.type(bias) ?? b.type(x), undefined)
  return sum
}

/** Up to three numbers of an activation: alpha, beta, gamma; or the attribute `activation_params`. */
type Parameter = (index: number, otherwise: number) => number

const FUSED: Readonly<Record<string, (b: Builder, x: string, parameter: Parameter) => string>> = {
  '': (_, x) => x,
  Relu: (b, x) => b.op('Relu', [x]),
  Tanh: (b, x) => b.op('Tanh', [x]),
  Sigmoid: (b, x) => b.op('Sigmoid', [x]),
  Silu: (b, x) => sigmoidLinear(b, x, 1),
  Softplus: (b, x) => b.op('Softplus', [x]),
  Softsign: (b, x) => b.op('Softsign', [x]),
  LeakyRelu: (b, x, parameter) => b.op('LeakyRelu', [x], { alpha: float(parameter(0, 0.01)) }),
  Elu: (b, x, parameter) => b.op('Elu', [x], { alpha: float(parameter(0, 1)) }),
  ThresholdedRelu: (b, x, parameter) => b.op('ThresholdedRelu', [x], { alpha: float(parameter(0, 1)) }),
  Clip: (b, x, parameter) => b.op('Clip', [x, b.scalar(parameter(0, 0), x), b.scalar(parameter(1, 0), x)]),
  HardSigmoid: (b, x, parameter) =>
    b.op('HardSigmoid', [x], { alpha: float(parameter(0, 0.2)), beta: float(parameter(1, 0.5)) }),
  ParametricSoftplus: (b, x, parameter) => softplus(b, x, parameter(0, 1), parameter(1, 1)),
  ScaledTanh: (b, x, parameter) => scaledTanh(b, x, parameter(0, 1), parameter(1, 1)),
}

/** The attributes of {@link fusedActivation}: not those of the operator that it is fused into. */
export const FUSED_ATTRIBUTES: readonly string[] = [
  'activation',
  'activation_params',
  'activation_alpha',
  'activation_beta',
  'activation_gamma',
]

/** What FusedConv and FusedGemm do with their result. Throws `unsupported-operator` for an activation that is not known. */
export function fusedActivation(node: Node, b: Builder, x: string): string {
  const name = stringOf(node, 'activation', '')
  const make = Object.hasOwn(FUSED, name) ? FUSED[name] : undefined
  if (!make)
    throw new ExplainError('unsupported-operator', {
      what: `The activation "${name}" that is fused into ${node.op} is not known`,
      where: describe(node),
      remedy: 'Save the model without graph optimisation.',
    })
  const listed = floatsOf(node, 'activation_params', undefined)
  const named = ['activation_alpha', 'activation_beta', 'activation_gamma']
  return make(b, x, (i, otherwise) => listed?.[i] ?? floatOf(node, named[i] ?? '', otherwise))
}

/** `alpha log(1 + exp(beta x))` */
export function softplus(b: Builder, x: string, alpha: number, beta: number): string {
  return b.op('Mul', [b.op('Softplus', [b.op('Mul', [x, b.scalar(beta, x)])]), b.scalar(alpha, x)])
}

/** `alpha tanh(beta x)` */
export function scaledTanh(b: Builder, x: string, alpha: number, beta: number): string {
  return b.op('Mul', [b.op('Tanh', [b.op('Mul', [x, b.scalar(beta, x)])]), b.scalar(alpha, x)])
}

/** Dropout at inference: nothing is dropped. */
const biasDropout: Decompose = (node, b) => {
  const [x = '', bias = '', residual, , training] = node.inputs
  const trains = training ? b.graph.constant(training) : undefined
  if (training && (!trains || Number(trains.data[0]) !== 0))
    throw new ExplainError('unsupported-operator', {
      what: 'BiasDropout in training mode has no gradient here',
      where: describe(node),
      remedy: 'Export the model in evaluation mode.',
    })
  const sum = biased(b, b.op('Add', [x, bias]), residual)
  const everything = (): string => {
    const ones = b.op('Expand', [b.scalar(1, x), b.op('Shape', [x])])
    return b.op('Cast', [ones], { to: BOOL })
  }
  return [sum, node.outputs[1] ? everything() : undefined]
}

/** ONNX's element type number. */
const BOOL = 9

export const contribActivation = defineDecompositions({
  'com.microsoft.Gelu': (node, b) => [gelu(b, node.inputs[0] ?? '')],
  /** Gelu by tanh of `x + bias`, the bias being optional. */
  'com.microsoft.FastGelu': (node, b) => [tanhGelu(b, biased(b, node.inputs[0] ?? '', node.inputs[1]))],
  'com.microsoft.QuickGelu': (node, b) => [sigmoidLinear(b, node.inputs[0] ?? '', floatOf(node, 'alpha', 1.702))],
  'com.microsoft.BiasGelu': (node, b) => [gelu(b, biased(b, node.inputs[0] ?? '', node.inputs[1]))],
  /** `[N, S, D]`: the first half of `x + bias` times Gelu of the second. */
  'com.microsoft.BiasSplitGelu': (node, b) => {
    const [left = '', right = ''] = b.ops(
      'Split',
      [biased(b, node.inputs[0] ?? '', node.inputs[1])],
      { axis: -1, num_outputs: 2 },
      2,
    )
    return [b.op('Mul', [left, gelu(b, right)])]
  },
  'com.microsoft.BiasAdd': (node, b) => {
    const [x = '', bias = '', skip = ''] = node.inputs
    return [b.op('Add', [b.op('Add', [x, bias]), skip])]
  },
  'com.microsoft.BiasDropout': biasDropout,
  /**
   * Softmax of `data + bias` over all axes from `axis` on. Where the bias is not broadcast on the inner axes its own axes are the last
   * ones of the data, as numpy broadcasts; otherwise it has the data's rank, with ones in between.
   */
  'com.microsoft.BiasSoftmax': (node, b) => {
    const sum = b.op('Add', [node.inputs[0] ?? '', node.inputs[1] ?? ''])
    const axis = intOf(node, 'axis', 1)
    if (axis === -1) return [b.op('Softmax', [sum], { axis: -1 })]
    const shape = b.op('Shape', [sum])
    const flat = b.op('Flatten', [sum], { axis })
    return [b.op('Reshape', [b.op('Softmax', [flat], { axis: -1 }), shape])]
  },
})
