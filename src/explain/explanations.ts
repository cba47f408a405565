/** Raw maps made explanations. */
import type { Tensor } from '../core/tensor.js'
import { type Method, methodInfo } from '../methods/method.js'
import type { Target } from '../targets/index.js'
import { diagnose } from './diagnose.js'
import { type ExplainedAnswer, type Explanation, explanationOf } from './explanation.js'
import { type PlacedModel, placeMap } from './place.js'
import { type Making, type Occasion, provenanceOf, type TracedModel } from './provenance.js'

/** What the explanations of one map have in common. */
export interface About extends Occasion, Omit<Making, 'method'> {
  readonly method: Method
  readonly targets: readonly Target[]
  /** What each target is called, and its score. */
  readonly answered: readonly ExplainedAnswer[]
}

/** Explanations of the raw maps of one method, one a target; of work that goes on as of work that is done. */
export function explanationsOf(
  model: PlacedModel & TracedModel,
  about: About,
  raws: readonly Tensor<'float32'>[],
): readonly Explanation[] {
  const { method, input, layer, prepared, targets, answered } = about
  const info = methodInfo(method)
  return targets.flatMap((target, t): readonly Explanation[] => {
    const raw = raws[t]
    const answer = answered[t]
    if (!raw || !answer) return []
    const { map, lifting, fed, drawable } = placeMap(model, raw, { method: info, input, prepared })
    const explanation = explanationOf({
      method: info,
      target,
      answer,
      input,
      raw: { ...raw, layer },
      fed,
      drawable,
      map,
      lifting,
      diagnosis: diagnose(raw.data, info.display),
      provenance: provenanceOf(model, about, { ...about, method: info.id }, target, answer),
    })
    return [explanation]
  })
}
