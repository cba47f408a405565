import { axisOf } from '../core/layout.js'
import { gradCam } from './grad-cam.js'
import { guidedBackpropagation } from './guided-backpropagation.js'
import { EIGEN_SMOOTH, upsample } from './maps.js'
import { defineMethod } from './method.js'

/** Guided backpropagation times the positive part of Grad-CAM, which is resized bilinearly (half-pixel centres) to the input. */
export const guidedGradCam = defineMethod({
  id: 'guided-grad-cam',
  kind: 'compiled',
  title: 'Guided Grad-CAM',
  family: 'gradient',
  space: 'input',
  atLayer: true,
  channels: 'max-abs',
  display: 'pixels',
  summary: 'High-resolution and class-discriminative: the fine structure where Grad-CAM is positive.',
  source: 'Selvaraju et al., ICCV 2017 (arXiv 1610.02391), section 3.2',
  cost: '1 forward + 1 backward',
  options: EIGEN_SMOOTH,
  build: (context) => {
    const { b, input, layout } = context
    const pixels = context.map(guidedBackpropagation)
    const coarse = b.op('Relu', [context.map(gradCam)])
    const spatial = (['D', 'H', 'W'] as const).flatMap((letter) => axisOf(layout, letter) ?? [])
    const fine = upsample(
      b,
      coarse,
      spatial.map((axis) => b.extent(input, axis)),
    )
    return b.op('Mul', [pixels, b.op('Unsqueeze', [fine, b.int64s([axisOf(layout, 'C') ?? 1])])])
  },
})
