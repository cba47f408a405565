import { covered } from '../methods/covering.js'
import { sum } from './maps.js'
import { defineMetric } from './metric.js'

/** Completeness: how far the map's sum is from the score's rise over a plain picture, as a share of that rise. */
export const completeness = defineMetric({
  id: 'completeness',
  title: 'Completeness',
  family: 'axiom',
  summary:
    "How far the map's sum is from what the score has more than a plain picture's, as a share of that: 0 where it is all told.",
  source: 'Sundararajan et al., ICML 2017 (arXiv 1703.01365), section 3, proposition 1',
  variant:
    "Captum's convergence delta, as a share of the rise (Quantus' Completeness: whether it is exactly 0); of the raw map, as computed",
  better: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  needs: 'nothing',
  constant: 'as for any map: 1 for a map of zeros; where the score does not rise, 0 for a sum of 0, else 1',
  options: {
    baseline: {
      kind: 'fill',
      default: 'mean',
      description: 'the plain picture: mean (0 after normalisation) or a colour',
    },
  },
  cost: () => ({ forwards: 2 }),
  measure: async ({ explanation, input, layout, options, fill, scores }) => {
    const plain = covered(input, layout, fill(options.baseline))
    const [whole = 0, from = 0] = await scores('explained', 2, (i, picture) => {
      if (i === 1) picture.set(plain)
    })
    const parts = { sum: sum(explanation.raw.data), rise: whole - from }
    const off = Math.abs(parts.sum - parts.rise)
    return { value: parts.rise !== 0 ? off / Math.abs(parts.rise) : off > 0 ? 1 : 0, parts }
  },
})
