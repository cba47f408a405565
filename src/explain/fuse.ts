/** Maps of several layers made one, on the pixels of the model's input. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { float32 } from '../core/tensor.js'
import type { Explanation } from './explanation.js'
import { onInput, scaledTo1, withMap } from './on-input.js'

/**
 * How: `mean` as pytorch-grad-cam takes several layers, `max` as torch-cam and the LayerCAM paper, `product` as RefineCAM
 * (arXiv 2605.14641): what one layer denies is gone.
 */
export const FUSIONS = {
  mean: (values: readonly number[]) => values.reduce((a, v) => a + v, 0) / values.length,
  max: (values: readonly number[]) => Math.max(...values),
  product: (values: readonly number[]) => values.reduce((a, v) => a * v, 1),
} as const

export type Fusion = keyof typeof FUSIONS

/** Throws `bad-option`. */
export function parseFusion(text: string): Fusion {
  const found = Object.keys(FUSIONS).find((name): name is Fusion => name === text)
  if (found) return found
  const names = Object.keys(FUSIONS)
  throw new ExplainError('bad-option', {
    what: `Layers cannot be fused by "${text}"`,
    where: 'fuse',
    remedy: didYouMean(text, names) || `Fuse by ${names.join(', ')}: --fuse mean.`,
  })
}

/**
 * Explanations at several layers made one for each method and target, others left as they are. Of each map the positive part, scaled to 0..1, is laid on the
 * model's input; the raw map is what is made of them, `[H,W]`. Throws `bad-option` where there is one layer alone.
 */
export function fuseLayers(explanations: readonly Explanation[], how: Fusion): readonly Explanation[] {
  const groups = new Map<string, Explanation[]>()
  for (const e of explanations) {
    const key = JSON.stringify([e.method.id, e.target, e.input])
    groups.set(key, [...(groups.get(key) ?? []), e])
  }
  if ([...groups.values()].every((group) => group.length < 2))
    throw new ExplainError('bad-option', {
      what: `There are no several layers to fuse`,
      where: 'fuse',
      remedy: 'Name two layers or more, for a method that explains at layers: --layer A --layer B --fuse mean.',
    })
  return [...groups.values()].map((group) => fused(group, how))
}

function fused(group: readonly Explanation[], how: Fusion): Explanation {
  const [first, ...more] = group
  if (!first) throw new RangeError('a group without explanations')
  if (more.length === 0) return first
  const maps = group.map((e) => {
    const positive = scaledTo1(e.raw.data.map((v) => Math.max(0, v)))
    return onInput(e, float32(e.raw.dims, positive))
  })
  const dims = maps[0]?.dims ?? []
  const data = Float32Array.from(maps[0]?.data ?? [], (_, i) => FUSIONS[how](maps.map((m) => m.data[i] ?? 0)))
  const layers = group.map((e) => e.raw.layer ?? '')
  const layer = layers.join(' + ')
  const notes = [...new Set(group.flatMap((e) => e.provenance.notes))]
  return withMap(first, float32(dims, data), { layer, provenance: { layer, layers, notes, fusion: how } })
}
