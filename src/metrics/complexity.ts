import { sum } from './maps.js'
import { defineMetric } from './metric.js'

/** Complexity: the entropy of the map's magnitudes as shares of their sum. */
export const complexity = defineMetric({
  id: 'complexity',
  title: 'Complexity',
  family: 'complexity',
  summary:
    'Over how many places the map is spread: the entropy of its magnitudes, from 0 (one place) to the logarithm of their number.',
  source: 'Bhatt et al., IJCAI 2020 (arXiv 2005.00631), definition 4',
  variant: "Quantus' Complexity, natural logarithm",
  better: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  needs: 'nothing',
  constant: 'the logarithm of the number of places, the largest value; so for a map of zeros',
  options: {},
  cost: () => ({}),
  measure: ({ map }) => {
    const sizes = Float64Array.from(map.data, (v) => Math.abs(v))
    const all = sum(sizes)
    if (all === 0) return { value: Math.log(sizes.length) }
    return { value: -sum(sizes.map((v) => (v > 0 ? (v / all) * Math.log(v / all) : 0))) }
  },
})
