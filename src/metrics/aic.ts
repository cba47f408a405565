import { INFORMATION_FORWARDS, INFORMATION_OPTIONS, informationCurve, medianCurve } from './information.js'
import { defineMetric } from './metric.js'

/** AIC: the area under the curve of being right, 1 where the class is the best answer, by the information that is shown. */
export const aic = defineMetric({
  id: 'aic',
  title: 'AIC',
  family: 'faithfulness',
  summary:
    'How soon the class is the best answer again with the information of the most important places: the accuracy information curve.',
  source: 'Kapishnikov et al., ICCV 2019 (XRAI, arXiv 1906.02825)',
  variant: 'as sic',
  better: 'higher',
  range: [0, 1],
  needs: 'nothing',
  constant: 'as sic',
  options: INFORMATION_OPTIONS,
  cost: () => ({ forwards: INFORMATION_FORWARDS }),
  measure: (context) =>
    informationCurve(context, (answer) => {
      const own = answer[context.classIndex()] ?? 0
      return answer.every((p) => p <= own) ? 1 : 0
    }),
  aggregate: medianCurve,
})
