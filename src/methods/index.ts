/** The methods, in the order in which they are shown. A new one is one line here. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { ablationCam } from './ablation-cam.js'
import { attentionRollout } from './attention-rollout.js'
import { blurIg } from './blur-ig.js'
import { cam } from './cam.js'
import { contrastiveExcitationBackprop } from './contrastive-excitation-backprop.js'
import { counterfactualGradCam } from './counterfactual-grad-cam.js'
import { deconvnet } from './deconvnet.js'
import { deepLift } from './deep-lift.js'
import { dff } from './dff.js'
import { eigenCam } from './eigen-cam.js'
import { eigenGradCam } from './eigen-grad-cam.js'
import { elementwiseGradCam } from './elementwise-grad-cam.js'
import { excitationBackprop } from './excitation-backprop.js'
import { extremalPerturbation } from './extremal-perturbation.js'
import { fem } from './fem.js'
import { finerCam } from './finer-cam.js'
import { fullGrad } from './full-grad.js'
import { gradCam } from './grad-cam.js'
import { gradCamPlusPlus } from './grad-cam-plus-plus.js'
import { gradient } from './gradient.js'
import { gradientShap } from './gradient-shap.js'
import { guidedBackpropagation } from './guided-backpropagation.js'
import { guidedGradCam } from './guided-grad-cam.js'
import { guidedIg } from './guided-ig.js'
import { guidedWeightsGradCam } from './guided-weights-grad-cam.js'
import { hiResCam } from './hires-cam.js'
import { hsic } from './hsic.js'
import { inputXGradient } from './input-x-gradient.js'
import { integratedGradients } from './integrated-gradients.js'
import { isCam } from './is-cam.js'
import { kernelShap } from './kernel-shap.js'
import { kpcaCam } from './kpca-cam.js'
import { layerCam } from './layer-cam.js'
import { legrad } from './legrad.js'
import { lime } from './lime.js'
import { lrp } from './lrp.js'
import { lrpAlphaBeta } from './lrp-alpha-beta.js'
import { lrpEpsilon } from './lrp-epsilon.js'
import { lrpGamma } from './lrp-gamma.js'
import { lrpZPlus } from './lrp-z-plus.js'
import { meaningfulPerturbation } from './meaningful-perturbation.js'
import type { Method } from './method.js'
import { occlusion } from './occlusion.js'
import { reciproCam } from './recipro-cam.js'
import { rise } from './rise.js'
import { scoreCam } from './score-cam.js'
import { segEigenCam } from './seg-eigen-cam.js'
import { shapleyCam } from './shapley-cam.js'
import { smoothGrad } from './smooth-grad.js'
import { smoothGradCamPlusPlus } from './smooth-grad-cam-plus-plus.js'
import { smoothGradSquared } from './smooth-grad-squared.js'
import { sobol } from './sobol.js'
import { ssCam } from './ss-cam.js'
import { transformerAttribution } from './transformer-attribution.js'
import { varGrad } from './var-grad.js'
import { xGradCam } from './xgrad-cam.js'
import { xrai } from './xrai.js'

export const METHODS: readonly Method[] = [
  cam,
  gradCam,
  gradCamPlusPlus,
  xGradCam,
  hiResCam,
  layerCam,
  elementwiseGradCam,
  eigenCam,
  eigenGradCam,
  segEigenCam,
  kpcaCam,
  fem,
  smoothGradCamPlusPlus,
  ablationCam,
  scoreCam,
  ssCam,
  isCam,
  reciproCam,
  dff,
  finerCam,
  shapleyCam,
  counterfactualGradCam,
  guidedWeightsGradCam,
  attentionRollout,
  transformerAttribution,
  legrad,
  guidedGradCam,
  guidedBackpropagation,
  deconvnet,
  gradient,
  inputXGradient,
  fullGrad,
  integratedGradients,
  guidedIg,
  xrai,
  blurIg,
  gradientShap,
  smoothGrad,
  smoothGradSquared,
  varGrad,
  lrp,
  lrpEpsilon,
  lrpGamma,
  lrpAlphaBeta,
  lrpZPlus,
  deepLift,
  excitationBackprop,
  contrastiveExcitationBackprop,
  occlusion,
  rise,
  lime,
  kernelShap,
  sobol,
  hsic,
  meaningfulPerturbation,
  extremalPerturbation,
]

/** The method of an id; case and hyphens may be left out (`gradcam`, `GradCAM`). Throws `unknown-method`. */
export function findMethod(id: string): Method {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9+]/g, '')
  const found = METHODS.find((m) => m.id === id) ?? METHODS.find((m) => plain(m.id) === plain(id))
  if (found) return found
  const ids = METHODS.map((m) => m.id)
  throw new ExplainError('unknown-method', {
    what: `There is no method "${id}"`,
    remedy: didYouMean(id, ids) || `The methods are: ${ids.join(', ')}.`,
    details: { methods: ids },
  })
}
