import { throwIfAborted } from '../core/errors.js'
import { float32 } from '../core/tensor.js'
import { channelsOf, weightedChannels } from './feature-channels.js'
import { defineMethod } from './method.js'

/**
 * Ablation-CAM: `sum_k w_k A^k` with `w_k = (y - y_k) / y`, `y_k` the score where channel k of the layer is 0 (0 where y is 0). Only the network behind
 * the layer is run. pytorch-grad-cam fills in 1e7 below the least value instead of 0 where that is not 0, away from what the network ever sees; behind
 * Relu it is 0 as here.
 */
export const ablationCam = defineMethod({
  id: 'ablation-cam',
  kind: 'driven',
  title: 'Ablation-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: "The layer's channels, each weighted by how much of the score is lost without it; needs no gradient.",
  source: 'Desai and Ramaswamy, WACV 2020 (doi 10.1109/WACV45572.2020.9093360), section 3, equation 6',
  cost: '1 forward + 1 forward of the head for each channel of the layer',
  options: {},
  run: async (context) => {
    const { targets, batch, signal } = context
    const { features, scores } = await context.layer()
    const { count, size, dims } = channelsOf(features)
    const [whole = new Float32Array(targets)] = await scores(features)
    const weights = Array.from({ length: targets }, () => new Float32Array(count))
    const maps = () => weights.map((w) => weightedChannels(features, w))
    for (let done = 0; done < count; done += batch) {
      throwIfAborted(signal)
      const n = Math.min(batch, count - done)
      const data = new Float32Array(n * features.data.length)
      for (let i = 0; i < n; i++) {
        const at = i * features.data.length
        data.set(features.data, at)
        data.fill(0, at + (done + i) * size, at + (done + i + 1) * size)
      }
      const ablated = await scores(float32([n, count, ...dims], data))
      for (const [i, row] of ablated.entries())
        for (const [t, w] of weights.entries()) {
          const y = whole[t] ?? 0
          w[done + i] = y === 0 ? 0 : (y - (row[t] ?? 0)) / y
        }
      context.progress(done + n, count, maps)
    }
    return maps()
  },
})
