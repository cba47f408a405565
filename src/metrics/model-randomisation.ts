import { SEED } from '../methods/random.js'
import { ALIKE_OPTIONS, type Alike, alike } from './alike.js'
import { mean } from './maps.js'
import { defineMetric } from './metric.js'

/**
 * Model parameter randomisation: the map of networks whose weights are drawn anew, from the logits down (each with all that is above it,
 * or one layer at a time), held against the map of the network. A map that stays the same does not tell what the network has learnt.
 */
export const modelRandomisation = defineMetric({
  id: 'model-randomisation',
  title: 'Model randomisation',
  family: 'randomisation',
  summary:
    'How alike the map stays when the weights of the network are drawn anew, layer by layer from the logits down: mean rank correlation.',
  source: 'Adebayo et al., NeurIPS 2018 (arXiv 1810.03292), section 3',
  variant:
    "Quantus' MPRT with return_average_correlation (magnitudes, Spearman's correlation); weights are shuffled within their tensors (Quantus: re-initialised), normalisations stay",
  better: 'lower',
  range: [-1, 1],
  needs: 'nothing',
  constant: '0: nothing ranks above anything',
  options: {
    order: {
      kind: 'choice',
      default: 'cascading',
      choices: ['cascading', 'independent'],
      description: 'whether a layer is drawn anew with all above it, or alone',
    },
    layers: {
      kind: 'integer',
      default: 0,
      minimum: 0,
      unit: 'layers',
      description: 'how many layers from the logits down; 0: all',
    },
    ...ALIKE_OPTIONS,
    seed: SEED,
  },
  cost: ({ layers }, sized) => {
    const count = layers === 0 ? sized.layers : Math.min(layers, sized.layers)
    return { maps: count, models: count }
  },
  measure: async (context) => {
    const { options, map, layers } = context
    const names = options.layers === 0 ? layers : layers.slice(0, options.layers)
    const found: Alike[] = []
    for (const [i, name] of names.entries()) {
      const model = context.redraw(options.order === 'cascading' ? names.slice(0, i + 1) : [name], options.seed)
      try {
        found.push(alike(map, await context.explain(() => {}, { model }), options.values))
      } finally {
        await model.release()
      }
    }
    context.note(`Layers, from the logits down: ${names.join(', ')}.`)
    const [ranks, structure] = [found.map((f) => f.spearman), found.map((f) => f.ssim)]
    return {
      value: ranks.length > 0 ? mean(ranks) : 0,
      curve: { x: names.map((_, i) => (i + 1) / names.length), y: ranks },
      parts: { spearman: ranks, ssim: structure },
    }
  },
})
