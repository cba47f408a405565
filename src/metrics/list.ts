/** The metrics, in the order in which they are shown. A new one is one line here. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { adcc } from './adcc.js'
import { aic } from './aic.js'
import { arcc } from './arcc.js'
import { averageDrop } from './average-drop.js'
import { averageGain } from './average-gain.js'
import { boxError } from './box-error.js'
import { boxIou } from './box-iou.js'
import { classSensitivity } from './class-sensitivity.js'
import { completeness } from './completeness.js'
import { complexity } from './complexity.js'
import { deletion } from './deletion.js'
import { energyPointingGame } from './energy-pointing-game.js'
import { faithfulnessCorrelation } from './faithfulness-correlation.js'
import { gridPointingGame } from './grid-pointing-game.js'
import { increaseInConfidence } from './increase-in-confidence.js'
import { infidelity } from './infidelity.js'
import { insertion } from './insertion.js'
import { maxBoxAcc } from './max-box-acc.js'
import { maxBoxAccV2 } from './max-box-acc-v2.js'
import { maxSensitivity } from './max-sensitivity.js'
import type { Metric } from './metric.js'
import { modelRandomisation } from './model-randomisation.js'
import { muFidelity } from './mu-fidelity.js'
import { occlusionCorrelation } from './occlusion-correlation.js'
import { pointingGame } from './pointing-game.js'
import { pxAp } from './pxap.js'
import { randomLogit } from './random-logit.js'
import { relevanceMass } from './relevance-mass.js'
import { relevanceRank } from './relevance-rank.js'
import { road } from './road.js'
import { sic } from './sic.js'
import { sparseness } from './sparseness.js'

export const METRICS: readonly Metric[] = [
  insertion,
  deletion,
  averageDrop,
  increaseInConfidence,
  averageGain,
  adcc,
  arcc,
  road,
  faithfulnessCorrelation,
  muFidelity,
  infidelity,
  sic,
  aic,
  occlusionCorrelation,
  pointingGame,
  energyPointingGame,
  boxIou,
  boxError,
  maxBoxAcc,
  maxBoxAccV2,
  pxAp,
  relevanceMass,
  relevanceRank,
  gridPointingGame,
  maxSensitivity,
  modelRandomisation,
  randomLogit,
  classSensitivity,
  complexity,
  sparseness,
  completeness,
]

/** The metric of an id; case and hyphens may be left out. Throws `unknown-metric`. */
export function findMetric(id: string): Metric {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const found = METRICS.find((m) => m.id === id) ?? METRICS.find((m) => plain(m.id) === plain(id))
  if (found) return found
  const ids = METRICS.map((m) => m.id)
  throw new ExplainError('unknown-metric', {
    what: `There is no metric "${id}"`,
    remedy: didYouMean(id, ids) || `The metrics are: ${ids.join(', ')}.`,
    details: { metrics: ids },
  })
}
