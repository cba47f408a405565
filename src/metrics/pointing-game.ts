import { extremes } from '../core/extremes.js'
import { defineMetric } from './metric.js'

/** Pointing game: whether the map's highest place lies on the object, or no further from it than the tolerance. */
export const pointingGame = defineMetric({
  id: 'pointing-game',
  title: 'Pointing game',
  family: 'localisation',
  summary: 'Whether the highest place of the map lies on the object: 1 or 0, a rate over many pictures.',
  source: 'Zhang et al., ECCV 2016 (arXiv 1608.00507), section 4.1',
  variant:
    "TorchRay's: a hit is closer than 15 px to the object (in pixels of the model input); tolerance 0 is Quantus' PointingGame",
  better: 'higher',
  range: [0, 1],
  needs: 'mask',
  constant: '0: it points nowhere',
  options: {
    tolerance: {
      kind: 'integer',
      default: 15,
      minimum: 0,
      unit: 'px',
      description: 'how far from the object still counts',
    },
  },
  cost: () => ({}),
  measure: ({ map, truth, options }) => {
    const { width, height, data } = map
    const mask = truth.mask()
    const [low, high] = extremes(data)
    const place = data.indexOf(high) % (width * height)
    const [y, x] = [Math.floor(place / width), place % width]
    const isNear = (at: number): boolean =>
      (Math.floor(at / width) - y) ** 2 + ((at % width) - x) ** 2 < options.tolerance ** 2
    const exact = high > low && mask[place] ? 1 : 0
    const value = high > low && (exact || mask.some((v, at) => v && isNear(at))) ? 1 : 0
    return { value, parts: { exact, x, y } }
  },
})
