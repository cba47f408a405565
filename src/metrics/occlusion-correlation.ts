import { fillSquare, MeanDrops } from '../methods/covering.js'
import { occlusion, positions } from '../methods/occlusion.js'
import { defineMetric } from './metric.js'
import { spearman } from './statistics.js'

const { patch, stride, fill } = occlusion.options

/** The rank correlation of the map with that of occlusion, which covers the picture square by square. */
export const occlusionCorrelation = defineMetric({
  id: 'occlusion-correlation',
  title: 'Rank correlation with occlusion',
  family: 'faithfulness',
  summary: 'Whether places rank as they do by how much the score falls when a square covers them.',
  source: 'Selvaraju et al., ICCV 2017 (arXiv 1610.02391), section 5.3 (faithfulness)',
  variant: 'the paper does not say its squares; those of the method occlusion',
  better: 'higher',
  range: [-1, 1],
  needs: 'nothing',
  constant: '0: nothing ranks above anything',
  options: { patch, stride, fill },
  cost: ({ patch, stride }, size) => ({ forwards: positions(size, { patch, stride, slices: 0 }).length + 1 }),
  measure: async ({ map, grid, options, ...context }) => {
    const squares = positions(map, { ...options, slices: 0 })
    const fill = context.fill(options.fill)
    const [whole = 0, ...scores] = await context.scores('explained', squares.length + 1, (i, picture) => {
      const square = squares[i - 1]
      if (square) fillSquare(picture, 0, grid, square, fill)
    })
    const drops = new MeanDrops(map, 1)
    for (const [i, square] of squares.entries()) drops.add(square, [whole - (scores[i] ?? 0)])
    const [occluded] = drops.maps([map.data.length])
    return { value: spearman(map.data, occluded?.data ?? []) }
  },
})
