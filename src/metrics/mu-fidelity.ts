import { Places } from '../core/places.js'
import { SEED, uniform } from '../methods/random.js'
import { defineMetric } from './metric.js'
import { SCORE } from './score-option.js'
import { spearman } from './statistics.js'

/** Mu-fidelity: as faithfulness correlation, of whole cells of a grid and by ranks. Cells go through all slices. */
export const muFidelity = defineMetric({
  id: 'mu-fidelity',
  title: 'Mu-fidelity',
  family: 'faithfulness',
  summary:
    'Whether cells of a grid that sum to more of the map lower the score more when they are taken away: rank correlation.',
  source: 'Bhatt et al., IJCAI 2020 (arXiv 2005.00631), definition 3, on cells',
  variant: "Xplique's MuFidelity: 9 x 9 cells, each taken with probability 0.2, 200 samples, Spearman's correlation",
  better: 'higher',
  range: [-1, 1],
  needs: 'nothing',
  constant: 'the rank correlation of how much is covered with the drop',
  options: {
    samples: { kind: 'integer', default: 200, minimum: 2, unit: 'samples', description: 'random sets of cells' },
    cells: { kind: 'integer', default: 9, minimum: 1, unit: 'cells', description: 'cells along each side' },
    taken: {
      kind: 'number',
      default: 0.2,
      minimum: 0,
      maximum: 1,
      unit: '',
      description: 'probability that a cell is taken away',
    },
    score: { ...SCORE, default: 'logit' },
    fill: { kind: 'fill', default: 'mean', description: 'what cells become: mean (0 after normalisation) or a colour' },
    seed: SEED,
  },
  cost: ({ samples }) => ({ forwards: samples + 1 }),
  measure: async (context) => {
    const { options, map, grid } = context
    const { height, width, depth } = map
    const places = new Places(grid)
    const fill = context.fill(options.fill)
    const { cells } = options
    const cellOf = Uint32Array.from({ length: places.count }, (_, i) => {
      const [y, x] = [Math.floor(i / width) % height, i % width]
      return Math.floor((y * cells) / height) * cells + Math.floor((x * cells) / width)
    })
    const chance = uniform(options.seed)
    const sums: number[] = []
    const [whole = 0, ...scores] = await context.scores(options.score, options.samples + 1, (i, picture) => {
      if (i === 0) return
      const isTaken = Array.from({ length: cells * cells }, () => chance() <= options.taken)
      let sum = 0
      for (let place = 0; place < depth * height * width; place++) {
        if (!isTaken[cellOf[place] ?? 0]) continue
        places.fill(place, fill, picture)
        sum += map.data[place] ?? 0
      }
      sums.push(sum)
    })
    return {
      value: spearman(
        sums,
        scores.map((s) => whole - s),
      ),
    }
  },
})
