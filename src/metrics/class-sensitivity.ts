import { ALIKE_OPTIONS, alike } from './alike.js'
import { defineMetric } from './metric.js'
import { pearson } from './statistics.js'

/** Class sensitivity: the correlation of the maps of the most and the least likely class. */
export const classSensitivity = defineMetric({
  id: 'class-sensitivity',
  title: 'Class sensitivity',
  family: 'randomisation',
  summary:
    'How alike the map is to that of the class with the least score: correlation. A map that is the same does not tell the class.',
  source:
    'Li et al., KDD 2021 (arXiv 2012.15616), class sensitivity: the maps of the classes with the largest and the least score',
  variant: "the paper's, of the explained class and the least likely one",
  better: 'lower',
  range: [-1, 1],
  needs: 'nothing',
  constant: '0: nothing varies',
  options: { values: { ...ALIKE_OPTIONS.values, default: 'signed' } },
  cost: () => ({ forwards: 1, maps: 1 }),
  measure: async (context) => {
    const { map, options } = context
    const [answer = new Float64Array()] = await context.answers(1, () => {})
    const least = answer.indexOf(answer.reduce((a, v) => Math.min(a, v), Number.POSITIVE_INFINITY))
    const other = await context.explain(() => {}, { target: least })
    const values = (data: Float32Array): Float32Array =>
      options.values === 'magnitude' ? data.map((v) => Math.abs(v)) : data
    return {
      value: pearson(values(map.data), values(other.data)),
      parts: { target: least, ...alike(map, other, options.values) },
    }
  },
})
