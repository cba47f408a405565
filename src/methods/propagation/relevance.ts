/** What the methods of layer-wise relevance propagation have in common. */
import type { CompileContext, OptionDefinitions } from '../method.js'
import type { LayerNode } from './layers.js'
import { propagation } from './override.js'
import type { LayerRule } from './share.js'

/** Keeps denominators away from 0 where a rule has no epsilon of its own: zennit's stabilizer. */
export const STABILISER = 1e-6

export const EPSILON_OPTION = {
  kind: 'number',
  default: 1e-6,
  minimum: 1e-12,
  maximum: 1e6,
  unit: '',
  description: 'the epsilon rule: how far denominators are moved away from 0; more lets weak evidence vanish',
} as const

/** The field's words for what all of them are. */
export const RELEVANCE = {
  kind: 'compiled',
  family: 'propagation',
  space: 'input',
  atLayer: false,
  channels: 'sum',
  display: 'signed',
  cost: '1 forward + 1 backward',
} as const

const CONVOLUTIONS: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose'])

/** True for convolutions, which have rules of their own beside those of fully connected layers. */
export function isConvolution({ node }: LayerNode): boolean {
  return CONVOLUTIONS.has(node.op)
}

/** The relevance of the input: the score, shared among the inputs of one node after another by `rule`. */
export function relevance<O extends OptionDefinitions>(
  context: CompileContext<O>,
  name: string,
  rule: (layer: LayerNode) => LayerRule,
): string {
  const { b, input } = context
  const scheme = { name, layer: rule, stabiliser: STABILISER, note: context.note }
  const shares = context.gradient(input, { override: propagation(b, context.path(), input, scheme) })
  // one unit was shared, which is the same since every rule is linear in what arrives
  const axes = Array.from({ length: b.requireRank(input, name) - 1 }, (_, i) => i + 1)
  return b.op('Mul', [shares, b.op('Unsqueeze', [context.score(), b.int64s(axes)])])
}
