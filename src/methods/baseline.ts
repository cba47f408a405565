/** Ways from a plain picture to this one: where they start, and whether what is found along them is all. */
import { float32, type Tensor } from '../core/tensor.js'
import type { DriveContext, OptionDefinitions } from './method.js'

export const BASELINE_OPTION = {
  kind: 'fill',
  default: 'mean',
  description: 'the plain picture that the way starts from: mean (0 after normalisation) or a colour',
} as const

/** Notes which share of the score's change from the baseline each map sums to: the convergence delta, as a share. */
export async function noteCompleteness<O extends OptionDefinitions>(
  context: DriveContext<O>,
  id: string,
  baseline: Float32Array,
  maps: readonly Tensor<'float32'>[],
): Promise<void> {
  const { input } = context
  const [at] = await context.scores(input)
  const [from] = await context.scores(float32(input.dims, baseline))
  for (const [t, map] of maps.entries()) {
    const total = map.data.reduce((a, v) => a + v, 0)
    const rise = (at?.[t] ?? 0) - (from?.[t] ?? 0)
    const of = maps.length > 1 ? ` of target ${t + 1}` : ''
    const share = rise === 0 ? 'no share' : `${((100 * total) / rise).toFixed(1)} %`
    context.note(
      `${id}: the map${of} sums to ${share} of the score's change from the baseline; 100 % is complete, and more steps come closer.`,
    )
  }
}
