/**
 * How a linear layer's relevance is shared among its inputs. Every rule is a few terms `x w`, each with its own part of the input and of the
 * weights: an input gets `sum over terms of x * VJP(R / z)`, with z what the terms sum to and the VJP that of the layer with the term's
 * weights, by the plain backward rule.
 */
import type { Attributes } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'
import { again } from '../../vjp/again.js'
import type { Rule, RuleCall } from '../../vjp/rule.js'
import { type LayerNode, mergedWeights } from './layers.js'
import { alike, negativePart, positivePart, stabilised } from './positive.js'

/** One part of what a layer computes. */
export interface Term {
  readonly input: string
  readonly weight: string
  readonly bias?: string | undefined
  /** -1 where it is taken away. Default: 1. */
  readonly sign?: -1
}

/** A linear layer to which relevance comes. */
export class LinearLayer {
  readonly b: Builder
  readonly input: string
  readonly weight: string
  readonly bias: string | undefined
  readonly relevance: string
  readonly #layer: LayerNode
  readonly #call: RuleCall
  readonly #plain: Rule

  constructor(layer: LayerNode, call: RuleCall, plain: Rule) {
    const { b } = call
    const { weight, bias } = mergedWeights(b, layer)
    this.b = b
    this.input = call.x[layer.data] ?? ''
    this.weight = weight
    this.bias = bias
    this.relevance = call.gy
    this.#layer = layer
    this.#call = { ...call, node: withoutFactors(call.node) }
    this.#plain = plain
  }

  get node(): LayerNode {
    return this.#layer
  }

  /** What the layer gives of an input, with weights of the same shape. */
  forward({ input, weight, bias }: Term): string {
    const { node, y } = this.#call
    const { data } = this.#layer
    const operands = data === 0 ? [input, weight] : [weight, input]
    const isProduct = node.op === 'MatMul'
    const z = again(this.b, node, bias === undefined || isProduct ? operands : [...operands, bias])
    const whole = bias !== undefined && isProduct ? this.b.op('Add', [z, this.#overChannels(bias)]) : z
    return alike(this.b, whole, y[0] ?? '')
  }

  /** What comes back to an input through weights of the same shape. */
  back(input: string, weight: string, gy: string): string {
    const { data } = this.#layer
    this.b.know(gy, this.b.type(this.#call.y[0] ?? ''), this.b.dims(this.#call.y[0] ?? ''))
    const x = data === 0 ? [input, weight] : [weight, input]
    const wanted = [data === 0, data === 1]
    const pullback = this.#plain({ ...this.#call, x, wanted, gy, gys: [gy] })[data]
    return alike(this.b, pullback?.() ?? '', this.input)
  }

  /** The relevance shared among the terms in proportion to what each input adds to `z`, which is moved away from 0 by `epsilon`. */
  share(terms: readonly Term[], epsilon: number, relevance = this.relevance): string {
    const { b } = this
    const z = sum(
      b,
      terms.map((t) => ({ value: this.forward(t), sign: t.sign })),
    )
    const ratio = b.op('Div', [relevance, stabilised(b, alike(b, z, this.#call.y[0] ?? ''), epsilon)])
    const shares = sum(
      b,
      terms.map((t) => ({ value: b.op('Mul', [t.input, this.back(t.input, t.weight, ratio)]), sign: t.sign })),
    )
    return alike(b, shares, this.input)
  }

  /** The terms of positive products, or of negative ones; the bias of that sign goes with the first. */
  signed(sign: 1 | -1): readonly Term[] {
    const { b, input, weight, bias } = this
    const [same, other] = sign === 1 ? [positivePart, negative] : [negative, positivePart]
    const below = negativePart(b, input)
    return [
      { input: positivePart(b, input), weight: same(b, weight), bias: bias && same(b, bias) },
      ...(below === undefined ? [] : [{ input: below, weight: other(b, weight) }]),
    ]
  }

  /** A bias of one number a channel, as it is added to what MatMul gives. */
  #overChannels(bias: string): string {
    return this.#layer.data === 0 ? bias : this.b.op('Unsqueeze', [bias, this.b.int64s([1])])
  }
}

/** The negative part, zeros where there is none. */
export function negative(b: Builder, value: string): string {
  return negativePart(b, value) ?? alike(b, b.op('Mul', [value, b.scalar(0, value)]), value)
}

function sum(b: Builder, parts: readonly { readonly value: string; readonly sign?: -1 | undefined }[]): string {
  const [first, ...more] = parts
  return more.reduce((a, { value, sign }) => b.op(sign === -1 ? 'Sub' : 'Add', [a, value]), first?.value ?? '')
}

/** Gemm's factors are merged into the weights. */
function withoutFactors(node: Node): Node {
  if (node.op !== 'Gemm') return node
  const attributes: Attributes = new Map([...node.attributes].filter(([n]) => n !== 'alpha' && n !== 'beta'))
  return { ...node, attributes }
}

/** How a rule shares what comes to a linear layer: the input's relevance. */
export type LayerRule = (layer: LinearLayer) => string

/** `x_j sum_i w_ij R_i / (z_i + epsilon sign z_i)`. Bach et al. 2015, equation 58. */
export function epsilonRule(epsilon: number): LayerRule {
  return (layer) => layer.share([{ input: layer.input, weight: layer.weight, bias: layer.bias }], epsilon)
}

/** Products that add alone: the positive parts of `x w`. Montavon et al. 2017, equation 15; with inputs of both signs as alpha 1, beta 0. */
export function zPlusRule(stabiliser: number): LayerRule {
  return (layer) => layer.share(layer.signed(1), stabiliser)
}

/** `alpha` times what goes to positive products less `beta` times what goes to negative ones. Bach et al. 2015, equation 60. */
export function alphaBetaRule(alpha: number, beta: number, stabiliser: number): LayerRule {
  return (layer) => {
    const { b } = layer
    const times = (v: string, k: number): string => (k === 1 ? v : b.op('Mul', [v, b.scalar(k, v)]))
    const up = times(layer.share(layer.signed(1), stabiliser), alpha)
    return beta === 0 ? up : b.op('Sub', [up, times(layer.share(layer.signed(-1), stabiliser), beta)])
  }
}

/**
 * Weights with `gamma` times their positive part added, so that what adds weighs more. Montavon et al. 2019, section 10.2.3; generalised to
 * inputs and outputs of both signs as Andéol et al. 2021 and zennit have it.
 */
export function gammaRule(gamma: number, stabiliser: number): LayerRule {
  return (layer) => {
    const { b, input, weight, bias } = layer
    const z = layer.forward({ input, weight, bias })
    const [above, below] = [positivePart(b, input), negativePart(b, input)]
    const more = (v: string, sign: 1 | -1): string => {
      const part = sign === 1 ? positivePart(b, v) : negative(b, v)
      return alike(b, b.op('Add', [v, b.op('Mul', [part, b.scalar(gamma, v)])]), v)
    }
    const half = (sign: 1 | -1): string => {
      const other = sign === 1 ? -1 : 1
      const terms: Term[] = [
        { input: above, weight: more(weight, sign), bias: bias && more(bias, sign) },
        ...(below === undefined ? [] : [{ input: below, weight: more(weight, other) }]),
      ]
      const zero = b.scalar(0, z)
      const own = b.op(sign === 1 ? 'Greater' : 'Less', [z, zero])
      return layer.share(terms, stabiliser, b.op('Where', [own, layer.relevance, zero]))
    }
    return b.op('Add', [half(1), half(-1)])
  }
}

/** Equal shares to all inputs that the layer reads. Lapuschkin et al. 2019. */
export function flatRule(stabiliser: number): LayerRule {
  return (layer) => {
    const { b } = layer
    const ones = (like: string): string => alike(b, b.op('Expand', [b.scalar(1, like), b.shapeOf(like)]), like)
    const term = { input: ones(layer.input), weight: ones(layer.weight) }
    const z = stabilised(b, layer.forward(term), stabiliser)
    return layer.back(term.input, term.weight, b.op('Div', [layer.relevance, z]))
  }
}

/** For inputs that lie between `low` and `high`, values of their shape: `x w - low w+ - high w-`. Montavon et al. 2017, equation 18. */
export function boxRule(bound: (end: 'low' | 'high', input: string) => string, stabiliser: number): LayerRule {
  return (layer) => {
    const { b, input, weight } = layer
    const terms: Term[] = [
      { input, weight },
      { input: bound('low', input), weight: positivePart(b, weight), sign: -1 },
      { input: bound('high', input), weight: negative(b, weight), sign: -1 },
    ]
    return layer.share(terms, stabiliser)
  }
}

/** The chance that a neuron won: in proportion to what the positive weights make of positive inputs. Zhang et al. 2016, equation 5. */
export function excitationRule(stabiliser: number): LayerRule {
  return (layer) => layer.share(excitatory(layer, 1), stabiliser)
}

/** The same less that of the neurons whose weights are the negatives of these. Zhang et al. 2016, section 3.3. */
export function contrastRule(stabiliser: number): LayerRule {
  return (layer) => {
    const of = (sign: 1 | -1): string => layer.share(excitatory(layer, sign), stabiliser)
    return layer.b.op('Sub', [of(1), of(-1)])
  }
}

function excitatory({ b, input, weight }: LinearLayer, sign: 1 | -1): readonly Term[] {
  const part = sign === 1 ? positivePart(b, weight) : alike(b, b.op('Neg', [negative(b, weight)]), weight)
  return [{ input: positivePart(b, input), weight: part }]
}
