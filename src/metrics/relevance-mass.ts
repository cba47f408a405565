import { shareInside } from './inside.js'
import { positive } from './maps.js'
import { defineMetric } from './metric.js'
import { throughSlices } from './plane.js'

/** Relevance mass accuracy: the share of the map's sum that lies on the object. */
export const relevanceMass = defineMetric({
  id: 'relevance-mass',
  title: 'Relevance mass accuracy',
  family: 'localisation',
  summary: "Which share of the map's sum lies on the object, of its positive part, its magnitude or as it is.",
  source: 'Arras et al., Information Fusion 2022 (arXiv 2003.07258)',
  variant: "Quantus' RelevanceMassAccuracy, which takes the map as it is by default (`--values signed`)",
  better: 'higher',
  range: [0, 1],
  needs: 'mask',
  constant: "the object's share of the picture; 0 where the values that count sum to 0",
  options: {
    values: {
      kind: 'choice',
      default: 'positive',
      choices: ['positive', 'magnitude', 'signed'],
      description: 'what counts: the positive part, the magnitude, or values as they are (which can leave the range)',
    },
  },
  cost: () => ({}),
  measure: ({ map, truth, options }) => {
    const values =
      options.values === 'positive'
        ? positive(map.data)
        : options.values === 'magnitude'
          ? map.data.map((v) => Math.abs(v))
          : map.data
    return { value: shareInside(values, throughSlices(truth.mask(), map)) }
  },
})
