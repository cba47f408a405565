import { Places } from '../core/places.js'
import { SEED, uniform } from '../methods/random.js'
import { defineMetric } from './metric.js'
import { SCORE } from './score-option.js'
import { pearson } from './statistics.js'

/** Faithfulness correlation: over random subsets of the picture's values, the correlation of their share of the map with the drop of the score. */
export const faithfulnessCorrelation = defineMetric({
  id: 'faithfulness-correlation',
  title: 'Faithfulness correlation',
  family: 'faithfulness',
  summary:
    'Whether values that sum to more of the map lower the score more when they are taken away: correlation over random subsets.',
  source: 'Bhatt et al., IJCAI 2020 (arXiv 2005.00631), definition 3',
  variant:
    "Quantus' FaithfulnessCorrelation: subsets of single values, each channel for itself; the logit; values become 0 (Quantus: black)",
  better: 'higher',
  range: [-1, 1],
  needs: 'nothing',
  constant: '0: all subsets have the same sum',
  options: {
    runs: { kind: 'integer', default: 100, minimum: 2, unit: 'subsets', description: 'random subsets' },
    subset: { kind: 'integer', default: 224, minimum: 1, unit: 'values', description: 'values in a subset' },
    score: { ...SCORE, default: 'logit' },
    fill: {
      kind: 'fill',
      default: 'mean',
      description: 'what values become: mean (0 after normalisation) or a colour',
    },
    seed: SEED,
  },
  cost: ({ runs }) => ({ forwards: runs + 1 }),
  measure: async (context) => {
    const { options, input, grid } = context
    const attribution = context.attribution()
    const values = valuesOf(new Places(grid), context.fill(options.fill), input.data.length)
    const size = Math.min(options.subset, input.data.length)
    const order = Uint32Array.from({ length: input.data.length }, (_, i) => i)
    const chance = uniform(options.seed)
    const sums: number[] = []
    const [whole = 0, ...scores] = await context.scores(options.score, options.runs + 1, (i, picture) => {
      if (i === 0) return
      let sum = 0
      for (let k = 0; k < size; k++) {
        const j = k + Math.floor(chance() * (order.length - k))
        const chosen = order[j] ?? 0
        order[j] = order[k] ?? 0
        order[k] = chosen
        picture[chosen] = values[chosen] ?? 0
        sum += attribution[chosen] ?? 0
      }
      sums.push(sum)
    })
    return {
      value: pearson(
        sums,
        scores.map((s) => whole - s),
      ),
    }
  },
})

/** A picture that is filled all over. */
function valuesOf(places: Places, fill: readonly number[], length: number): Float32Array {
  const out = new Float32Array(length)
  for (let i = 0; i < places.count; i++) places.fill(i, fill, out)
  return out
}
