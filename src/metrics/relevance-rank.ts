import { sum } from './maps.js'
import { defineMetric } from './metric.js'
import { throughSlices } from './plane.js'

/** Relevance rank accuracy: of as many highest places as the object has, the share that lies on it. Places that tie for the last ranks count by halves. */
export const relevanceRank = defineMetric({
  id: 'relevance-rank',
  title: 'Relevance rank accuracy',
  family: 'localisation',
  summary: 'Of as many highest places as the object has, the share that lies on it.',
  source: 'Arras et al., Information Fusion 2022 (arXiv 2003.07258)',
  variant:
    "Quantus' RelevanceRankAccuracy; places that tie for the last ranks share them (Quantus: in the order of sorting)",
  better: 'higher',
  range: [0, 1],
  needs: 'mask',
  constant: "the object's share of the picture",
  options: {},
  cost: () => ({}),
  measure: ({ map, truth }) => {
    const mask = throughSlices(truth.mask(), map)
    const wanted = sum(mask)
    if (wanted === 0) return { value: 0 }
    const last = Float32Array.from(map.data).sort()[map.data.length - wanted] ?? 0
    let [hits, above, tied, tiedHits] = [0, 0, 0, 0]
    for (const [i, v] of map.data.entries()) {
      const isHit = mask[i] ? 1 : 0
      if (v > last) {
        above++
        hits += isHit
      } else if (v === last) {
        tied++
        tiedHits += isHit
      }
    }
    return { value: (hits + (tiedHits * (wanted - above)) / tied) / wanted }
  },
})
