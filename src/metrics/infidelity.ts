import { fillSquare } from '../methods/covering.js'
import { SEED, uniform } from '../methods/random.js'
import { mean } from './maps.js'
import { defineMetric } from './metric.js'

/**
 * Infidelity: the mean of `(I . map - drop)^2` over random squares that are covered, where I is what they take away. With `scale`, the map
 * is first multiplied by the number that fits best, so that maps of no unit can be compared.
 */
export const infidelity = defineMetric({
  id: 'infidelity',
  title: 'Infidelity',
  family: 'faithfulness',
  summary:
    'How far what the map says of random squares is from the drop of the score when they are covered: mean squared error.',
  source:
    'Yeh et al., NeurIPS 2019 (arXiv 1901.09392), the definition of infidelity, with squares removed, and its optimal scaling',
  variant:
    "Captum's infidelity, normalised (Captum's default is not) and for maps that are shares of the score (multiply_by_inputs)",
  better: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  needs: 'nothing',
  constant: 'a map of the same share everywhere; of 0 everywhere the mean squared drop',
  options: {
    samples: { kind: 'integer', default: 100, minimum: 1, unit: 'squares', description: 'random squares' },
    patch: {
      kind: 'integer',
      default: 32,
      minimum: 1,
      unit: 'px',
      description: 'side of a square, in pixels of the model input; through all slices',
    },
    map: {
      kind: 'choice',
      default: 'shares',
      choices: ['shares', 'slopes'],
      description:
        'what the map tells: each place its share of the score, or, as a gradient does, the score by its value',
    },
    scale: {
      kind: 'choice',
      default: 'best',
      choices: ['best', 'none'],
      description: 'whether the map is scaled to fit best, or taken as it is',
    },
    fill: {
      kind: 'fill',
      default: 'mean',
      description: 'what squares become: mean (0 after normalisation) or a colour',
    },
    seed: SEED,
  },
  cost: ({ samples }) => ({ forwards: samples + 1 }),
  measure: async (context) => {
    const { options, input, grid } = context
    const attribution = context.attribution()
    const isShare = options.map === 'shares'
    const { channels } = context.explanation.method
    // a map of one value a place is the share of all of its channels together
    const parts = channels || !isShare ? 1 : grid.C.extent
    const fill = context.fill(options.fill)
    const chance = uniform(options.seed)
    const [height, width] = [Math.min(options.patch, grid.H.extent), Math.min(options.patch, grid.W.extent)]
    const said: number[] = []
    const [whole = 0, ...scores] = await context.scores('explained', options.samples + 1, (i, picture) => {
      if (i === 0) return
      const y0 = Math.floor(chance() * (grid.H.extent - height + 1))
      const x0 = Math.floor(chance() * (grid.W.extent - width + 1))
      const square = { x0, y0, z0: 0, x1: x0 + width, y1: y0 + height, z1: grid.D.extent }
      fillSquare(picture, 0, grid, square, fill)
      let sum = 0
      for (let z = 0; z < grid.D.extent; z++)
        for (let y = y0; y < y0 + height; y++)
          for (let x = x0; x < x0 + width; x++)
            for (let c = 0; c < grid.C.extent; c++) {
              const at = c * grid.C.stride + z * grid.D.stride + y * grid.H.stride + x * grid.W.stride
              const taken = (input.data[at] ?? 0) - (picture[at] ?? 0)
              sum += ((attribution[at] ?? 0) / parts) * (isShare ? 1 : taken)
            }
      said.push(sum)
    })
    const drops = scores.map((s) => whole - s)
    const squares = mean(said.map((s) => s * s))
    const fitted = squares > 0 ? mean(said.map((s, i) => s * (drops[i] ?? 0))) / squares : 1
    const scale = options.scale === 'best' ? fitted : 1
    return { value: mean(said.map((s, i) => (scale * s - (drops[i] ?? 0)) ** 2)), parts: { scale } }
  },
})
