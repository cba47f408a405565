import type { Builder } from '../onnx/builder.js'
import { gradCam } from './grad-cam.js'
import { guidedBackpropagation } from './guided-backpropagation.js'
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
  build: (context) => {
    const { b, input, layout } = context
    const pixels = context.map(guidedBackpropagation)
    const coarse = b.op('Relu', [context.map(gradCam)])
    const channel = layout === 'NCHW' ? 1 : 3
    const [height, width] = layout === 'NCHW' ? [2, 3] : [1, 2]
    const fine = upsample(b, coarse, b.extent(input, height), b.extent(input, width))
    return b.op('Mul', [pixels, b.op('Unsqueeze', [fine, b.int64s([channel])])])
  },
})

/** `[N,h,w]` resized bilinearly to `[N,height,width]`. */
export function upsample(b: Builder, map: string, height: number | string, width: number | string): string {
  const plane = b.op('Unsqueeze', [map, b.int64s([1])])
  const sizes = b.vector([b.extent(map, 0), 1, height, width])
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }
  return b.op('Squeeze', [b.op('Resize', [plane, '', '', sizes], attributes), b.int64s([1])])
}
