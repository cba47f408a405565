import { SEED, uniform } from '../methods/random.js'
import { ALIKE_OPTIONS, alike } from './alike.js'
import { mean } from './maps.js'
import { defineMetric } from './metric.js'

/** Random logit: how alike the map is to that of another class, drawn by chance. */
export const randomLogit = defineMetric({
  id: 'random-logit',
  title: 'Random logit',
  family: 'randomisation',
  summary: 'How alike the map is to that of another class, drawn by chance: structural similarity.',
  source: 'Sixt et al., ICML 2020 (arXiv 1912.09818)',
  variant: "Quantus' RandomLogit, SSIM in two dimensions (Quantus: of the map as one line)",
  better: 'lower',
  range: [-1, 1],
  needs: 'nothing',
  constant: '1 where the other class has the same map',
  options: {
    classes: { kind: 'integer', default: 1, minimum: 1, unit: 'classes', description: 'other classes' },
    ...ALIKE_OPTIONS,
    seed: SEED,
  },
  cost: ({ classes }) => ({ maps: classes }),
  measure: async (context) => {
    const { options, map } = context
    const own = context.classIndex()
    const others = Array.from({ length: context.classes }, (_, i) => i).filter((i) => i !== own)
    const chance = uniform(options.seed)
    const chosen: number[] = []
    for (let k = 0; k < options.classes && others.length > 0; k++)
      chosen.push(...others.splice(Math.floor(chance() * others.length), 1))
    const found = []
    for (const index of chosen)
      found.push(alike(map, await context.explain(() => {}, { target: index }), options.values))
    const parts = { target: chosen, ssim: found.map((f) => f.ssim), spearman: found.map((f) => f.spearman) }
    return { value: found.length > 0 ? mean(parts.ssim) : 1, parts }
  },
})
