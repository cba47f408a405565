/** The sanity check of Adebayo et al. (2018) on the shipped model: what guided backpropagation shows hardly depends on the layers at the top. */
import { expect, test } from 'vitest'
import { measure } from '../../src/metrics/index.js'
import { subject } from '../methods/agreement/measure.js'

test('guided backpropagation survives other weights at the top, Grad-CAM does not', async () => {
  const { model, picture } = await subject('shipped')
  const alike = async (method: string): Promise<number> => {
    const explanation = await model.explain(picture, { method })
    const options = { layers: 2, order: 'cascading' }
    const { parts } = await measure(model, picture, explanation, 'model-randomisation', { options })
    return [parts?.spearman ?? []].flat().at(-1) ?? Number.NaN
  }
  const [guided, gradCam] = [await alike('guided-backpropagation'), await alike('grad-cam')]
  expect(guided).toBeGreaterThan(0.9)
  expect(Math.abs(gradCam)).toBeLessThan(0.5)
  await model.release()
})
