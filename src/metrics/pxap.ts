import { sum, unit } from './maps.js'
import { defineMetric, type Measurement, type MetricParts } from './metric.js'
import { throughSlices } from './plane.js'

/** Edges of the histograms: 0, 0.001, ..., 0.999, 1, 2, 3. */
const BINS = 1002

/** PxAP: the area under precision over recall of single pixels, pooled over pictures, at a thousand thresholds of the map. */
export const pxAp = defineMetric({
  id: 'pxap',
  title: 'PxAP',
  family: 'localisation',
  summary:
    'How well a threshold of the map tells the pixels of the object from others: average precision, pooled over pictures.',
  source: 'Choe et al., CVPR 2020 (arXiv 2001.07437)',
  variant: "wsolevaluation's MaskEvaluator, a share of 1; the map scaled from 0 to 1; boxes are taken as filled masks",
  better: 'higher',
  range: [0, 1],
  needs: 'mask',
  constant: "the object's share of the picture",
  options: {},
  cost: () => ({}),
  measure: ({ map, truth }) => {
    const mask = throughSlices(truth.mask(), map)
    const ignored = throughSlices(truth.ignored(), map)
    const [object, rest] = [new Array<number>(BINS).fill(0), new Array<number>(BINS).fill(0)]
    for (const [i, v] of unit(map.data).entries()) {
      if (ignored[i] && !mask[i]) continue
      const histogram = mask[i] ? object : rest
      const bin = binOf(v)
      histogram[bin] = (histogram[bin] ?? 0) + 1
    }
    return pooled([{ value: 0, parts: { object, rest } }])
  },
  aggregate: pooled,
})

/** The bin of a value from 0 to 1: the last whose edge is not above it. */
function binOf(value: number): number {
  let bin = Math.floor(value * 1000)
  while (bin > 0 && bin * 0.001 > value) bin--
  while (bin < 999 && (bin + 1) * 0.001 <= value) bin++
  return value >= 1 ? 1000 : Math.min(bin, 999)
}

/** The area under the curve of all pictures' histograms together; 0 where there is no object. */
function pooled(measurements: readonly Measurement[]): Measurement {
  const total = (name: string): number[] =>
    Array.from({ length: BINS }, (_, i) => sum(measurements.map((m) => listOf(m.parts, name)[i] ?? 0)))
  const [object, rest] = [total('object'), total('rest')]
  const all = sum(object)
  let [hits, misses, area] = [0, 0, 0]
  for (let i = BINS - 1; i >= 0 && all > 0; i--) {
    const found = object[i] ?? 0
    hits += found
    misses += rest[i] ?? 0
    if (i < BINS - 1 && hits + misses > 0) area += (hits / (hits + misses)) * (found / all)
  }
  return { value: area, parts: { object, rest } }
}

function listOf(parts: MetricParts | undefined, name: string): readonly number[] {
  const list = parts?.[name]
  return typeof list === 'object' ? list : []
}
