import { extremes } from '../core/extremes.js'
import { SEED, uniform } from '../methods/random.js'
import { defineMetric } from './metric.js'

/** Max-sensitivity: the largest change of the map, as a share of its size, when the picture changes by a little noise. */
export const maxSensitivity = defineMetric({
  id: 'max-sensitivity',
  title: 'Max-sensitivity',
  family: 'robustness',
  summary:
    'How much the map can change when the picture changes by a little noise: the largest change as a share of the map.',
  source: 'Yeh et al., NeurIPS 2019 (arXiv 1901.09392), the maximum form of explanation sensitivity',
  variant:
    "Quantus' MaxSensitivity and Captum's sensitivity_max: uniform noise on every value, L2 norms, divided by the map's; maps are not scaled (Quantus' normalise=False)",
  better: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  needs: 'nothing',
  constant: '0 where it stays the same; 1 where a map of zeros becomes another',
  options: {
    samples: { kind: 'integer', default: 10, minimum: 1, unit: 'pictures', description: 'noisy copies of the picture' },
    radius: {
      kind: 'number',
      default: 0.02,
      minimum: 0,
      maximum: 1,
      unit: '',
      description: "the largest noise, as a share of the preprocessed picture's range",
    },
    seed: SEED,
  },
  cost: ({ samples }) => ({ maps: samples }),
  measure: async ({ map, input, options, explain }) => {
    const [low, high] = extremes(input.data)
    const radius = options.radius * (high - low)
    const chance = uniform(options.seed)
    const size = norm(map.data)
    const changes: number[] = []
    for (let i = 0; i < options.samples; i++) {
      const noisy = await explain((picture) => {
        for (const [at, v] of picture.entries()) picture[at] = v + radius * (2 * chance() - 1)
      })
      const change = norm(noisy.data.map((v, at) => v - (map.data[at] ?? 0)))
      changes.push(size > 0 ? change / size : change > 0 ? 1 : 0)
    }
    return { value: Math.max(...changes), parts: { changes } }
  },
})

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((s, v) => s + v * v, 0))
}
