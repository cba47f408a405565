/** What excitation backprop and its contrastive form have in common: the chance that a neuron won, at a layer. */
import type { CompileContext, LayerMap } from '../method.js'
import { findLayers, type LayerNode } from './layers.js'
import { propagation } from './override.js'
import { contrastRule, excitationRule } from './share.js'

/** TorchRay's. What has no excitation at all has no winner, and the chance that came there is lost. */
const STABILISER = 1e-20

export const EXCITATION = {
  kind: 'compiled',
  family: 'propagation',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  cost: '1 forward + the head backward',
  options: {},
} as const

/** The layer's chances, summed over its channels: `[N,...places]`. */
export function winners(context: CompileContext, layer: LayerMap, name: string, contrast: boolean): string {
  const { b } = context
  const [excited, contrasted] = [excitationRule(STABILISER), contrastRule(STABILISER)]
  const rule = (l: LayerNode): typeof excited => (contrast && l.last ? contrasted : excited)
  const scheme = { name, layer: rule, stabiliser: STABILISER, positive: true as const, note: context.note }
  const override = propagation(b, context.path(layer.value), layer.value, scheme)
  return b.reduceSum(layer.gradient({ override }), [1], false)
}

/** True where a layer with weights makes the scores from what comes behind a value. */
export function hasClassifier({ b, path }: CompileContext, from: string): boolean {
  return findLayers(b, path(from), from).layers.size > 0
}
