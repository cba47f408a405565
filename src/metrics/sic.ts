import { INFORMATION_FORWARDS, INFORMATION_OPTIONS, informationCurve, medianCurve } from './information.js'
import { defineMetric } from './metric.js'

/** SIC: the area under the curve of the class' probability by the information that is shown. */
export const sic = defineMetric({
  id: 'sic',
  title: 'SIC',
  family: 'faithfulness',
  summary:
    "How soon the class' probability comes back with the information of the most important places: the softmax information curve.",
  source: 'Kapishnikov et al., ICCV 2019 (XRAI, arXiv 1906.02825)',
  variant:
    "PAIR saliency's pic.py; the rest is filled as ROAD does (PAIR: triangles), information is the entropy of prediction errors (PAIR: bytes of WebP)",
  better: 'higher',
  range: [0, 1],
  needs: 'nothing',
  constant: '0.5: all places are shown at once, and the curve is straight',
  options: INFORMATION_OPTIONS,
  cost: () => ({ forwards: INFORMATION_FORWARDS }),
  measure: (context) => informationCurve(context, (answer) => answer[context.classIndex()] ?? 0),
  aggregate: medianCurve,
})
