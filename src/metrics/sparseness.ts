import { sum } from './maps.js'
import { defineMetric } from './metric.js'

/** Sparseness: the Gini index of the map's magnitudes. */
export const sparseness = defineMetric({
  id: 'sparseness',
  title: 'Sparseness',
  family: 'complexity',
  summary:
    'How unequal the places of the map are: the Gini index of its magnitudes, 0 where all are alike, near 1 where few hold all.',
  source: 'Chalasani et al., ICML 2020 (arXiv 1810.06583)',
  variant: "Quantus' Sparseness, without its 1e-7 on every value",
  better: 'higher',
  range: [0, 1],
  needs: 'nothing',
  constant: '0; so for a map of zeros',
  options: {},
  cost: () => ({}),
  measure: ({ map }) => {
    const sizes = Float64Array.from(map.data, (v) => Math.abs(v)).sort()
    const [n, all] = [sizes.length, sum(sizes)]
    return { value: all === 0 ? 0 : sum(sizes.map((v, i) => (2 * (i + 1) - n - 1) * v)) / (n * all) }
  },
})
