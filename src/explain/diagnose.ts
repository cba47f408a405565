/** Why a map looks as it does, where it looks like nothing: a blank picture is never the only answer. */
import { countNotFinite } from '../core/extremes.js'
import type { Display } from '../methods/method.js'

export type DiagnosisCode = 'not-finite' | 'blank' | 'all-negative' | 'constant'

export interface Diagnosis {
  readonly code: DiagnosisCode
  /** What is seen, why that happens, and what can be done. */
  readonly message: string
}

/** Looks at a raw map. An empty list: nothing is odd. */
export function diagnose(raw: Float32Array, display: Display): readonly Diagnosis[] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < raw.length; i++) {
    const v = raw[i] as number
    // NaN stays
    low = Math.min(low, v)
    high = Math.max(high, v)
  }
  const bad = Number.isFinite(low) && Number.isFinite(high) ? 0 : countNotFinite(raw)
  if (bad > 0)
    return [
      {
        code: 'not-finite',
        message: `${bad} of ${raw.length} values are NaN or infinite: the gradient overflows, or passes a place where it has no value (the root of 0, a division by 0). Try another layer, or occlusion, which needs no gradient.`,
      },
    ]
  if (low === 0 && high === 0)
    return [
      {
        code: 'blank',
        message:
          'The map is zero everywhere: no gradient arrives. A saturated probability does that (explain the logit), and so do rectifiers that are all off (try an earlier layer, or occlusion); guided Grad-CAM is blank where Grad-CAM is nowhere positive.',
      },
    ]
  if (display === 'positive' && high <= 0)
    return [
      {
        code: 'all-negative',
        message:
          'Every value is negative, so that nothing is left behind the ReLU: all evidence speaks against the class. Look at the signed map, at another layer, or at a class with a higher score.',
      },
    ]
  if (low === high)
    return [
      {
        code: 'constant',
        message: 'Every place has the same value: the map tells no place from another.',
      },
    ]
  return []
}
