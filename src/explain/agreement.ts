/** Whether two runtimes compute the same of a model: a fault of one of them would make maps that look as good as right ones. */
import { ExplainError } from '../core/errors.js'
import type { Runtime } from '../core/runtime.js'
import { float32, sizeOf, type Tensor } from '../core/tensor.js'
import type { PictureInput } from './input.js'
import type { Model } from './model.js'

/** Relative distance of the logits beyond which two runtimes do not compute the same; half precision inside stays below it. */
const TOLERANCE = 0.02
/** For axes that are free. */
const SIDE = 224

/**
 * Runs a model on its own runtime and on one that is trusted, on the same noise. Rejects with `runtime-disagrees` where the logits differ. What
 * takes more than a picture is not tried.
 */
export async function refuseDisagreement(model: Model, trusted: Runtime): Promise<void> {
  if (model.others.length > 0) return
  const other = model.onRuntime(trusted)
  try {
    const input = noise(model.input)
    const [got, want] = [await logitsOf(model, input), await logitsOf(other, input)]
    const off = Math.hypot(...got.map((v, i) => v - (want[i] ?? 0)))
    const size = Math.hypot(...want)
    if (off <= TOLERANCE * size) return
    throw new ExplainError('runtime-disagrees', {
      what: `${model.runtime} computes this network wrongly: its answer differs from ${trusted.name} by ${((100 * off) / size).toPrecision(2)} %`,
      remedy: 'Open the model on the other one.',
      details: { relative: off / size },
    })
  } finally {
    await other.release()
  }
}

/** By class, not by rank. */
async function logitsOf(model: Model, input: Tensor<'float32'>): Promise<readonly number[]> {
  const answers = await model.classify(input, { top: Number.POSITIVE_INFINITY })
  const logits: number[] = []
  for (const { index, logit } of answers) logits[index] = logit
  return logits
}

/** Numbers of the size of preprocessed pictures, the same each time. */
function noise({ layout, channels, depth, height, width }: PictureInput): Tensor<'float32'> {
  const sizes = { N: 1, C: channels, D: depth ?? 1, H: height ?? SIDE, W: width ?? SIDE }
  const dims = [...layout].map((letter) => sizes[letter as keyof typeof sizes])
  let state = 1
  const next = (): number => {
    state = (state * 1664525 + 1013904223) % 2 ** 32
    return (state / 2 ** 32) * 4 - 2
  }
  return float32(dims, Float32Array.from({ length: sizeOf(dims) }, next))
}
