import { throwIfAborted } from '../core/errors.js'
import { float32, sizeOf } from '../core/tensor.js'
import { channelsOf } from './feature-channels.js'
import { defineMethod } from './method.js'

/**
 * Recipro-CAM: at each place the score where the layer holds that place alone, less the score where it holds none, which tells nothing of places
 * but makes 0 mean 0. Around the place the layer fades out by binomial weights, for radius 1 the paper's Gaussian of 3 x 3; radius 0 is the place
 * alone. Tokens that are no places, such as a class token, stay as they are (ViT-ReciproCAM).
 */
export const reciproCam = defineMethod({
  id: 'recipro-cam',
  kind: 'driven',
  title: 'Recipro-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'The score that each place of the layer gives alone; needs no gradient, and few runs.',
  source:
    'Byun and Lee 2022 (arXiv 2209.14074), section 3; tokens: Byun and Lee 2023 (arXiv 2310.02588); features times the mask as in OpenVINO XAI, whose default for convolutional networks is radius 0',
  cost: '1 forward + 1 forward of the head for each place of the layer',
  options: {
    radius: {
      kind: 'integer',
      default: 1,
      minimum: 0,
      unit: 'places',
      description: 'how far the layer is left around a place, fading out',
    },
  },
  run: async (context) => {
    const { targets, batch, signal, options } = context
    const { features, scores } = await context.layer()
    const { count, size, dims } = channelsOf(features)
    const around = fading(dims, options.radius)
    const [none = new Float32Array(targets)] = await scores(float32(features.dims))
    const maps = Array.from({ length: targets }, () => new Float32Array(size))
    const partial = () => maps.map((map) => float32(dims, map.slice()))
    for (let done = 0; done < size; done += batch) {
      throwIfAborted(signal)
      const n = Math.min(batch, size - done)
      const data = new Float32Array(n * features.data.length)
      for (let i = 0; i < n; i++)
        for (const [place, weight] of around(done + i))
          for (let at = place; at < features.data.length; at += size)
            data[i * features.data.length + at] = weight * (features.data[at] ?? 0)
      const alone = await scores(float32([n, count, ...dims], data))
      for (const [t, map] of maps.entries())
        for (const [i, row] of alone.entries()) map[done + i] = (row[t] ?? 0) - (none[t] ?? 0)
      context.progress(done + n, size, partial)
    }
    return partial()
  },
})

/** The places around a place within `radius` along each axis, with products of binomial weights, which sum to 1 where no border is near. */
function fading(dims: readonly number[], radius: number): (place: number) => readonly (readonly [number, number])[] {
  const weights = binomial(2 * radius)
  const strides = dims.map((_, axis) => sizeOf(dims.slice(axis + 1)))
  return (place) =>
    dims.reduce<readonly (readonly [number, number])[]>(
      (found, extent, axis) => {
        const stride = strides[axis] ?? 1
        const middle = Math.floor(place / stride) % extent
        return found.flatMap(([at, weight]) =>
          weights.flatMap((w, i): (readonly [number, number])[] => {
            const to = middle + i - radius
            return to < 0 || to >= extent ? [] : [[at + (i - radius) * stride, weight * w]]
          }),
        )
      },
      [[place, 1]],
    )
}

/** The binomial coefficients of `n`, which sum to 1. */
function binomial(n: number): readonly number[] {
  let row = [1]
  for (let i = 0; i < n; i++) row = [...row, 0].map((v, k) => (v + (row[k - 1] ?? 0)) / 2)
  return row
}
