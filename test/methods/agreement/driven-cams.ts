/** Methods of the CAM family that run the network many times; fixtures of scripts/driven_cam_fixtures.py. */
import type { Agreement } from './agreement.js'

const PGC = 'pytorch-grad-cam 1.5.7'
const TORCH_CAM = 'torch-cam 0.5.0'
const OPENVINO = 'the formula of OpenVINO XAI 1.1'
const LAYER = '/layer2/layer2.0/act2/Relu_output_0'

/** A case on the test network `resnet` at its second stage, 48 channels of 12 x 12 places. */
function resnet(method: string, target: number, reference: string, more: Partial<Agreement> = {}): Agreement {
  const fixture = `${method}-resnet`
  return { method, reference, network: 'resnet', layer: LAYER, target, fixture, stored: 'raw', minimum: 0.99, ...more }
}

/** A case at the default layer. */
function last(
  method: string,
  network: 'shipped' | 'vit',
  target: number,
  reference: string,
  more: Partial<Agreement> = {},
): Agreement {
  const fixture = `${method}-${network}`
  return { method, reference, network, target, fixture, stored: 'raw', minimum: 0.99, ...more }
}

export const DRIVEN_CAMS: readonly Agreement[] = [
  last('ablation-cam', 'shipped', 967, PGC),
  resnet('ablation-cam', 3, PGC),
  last('ablation-cam', 'vit', 4, PGC, {
    note: 'with 0 in the channel of all places, where it has 1e7 below the least value, in the class token too',
  }),
  last('score-cam', 'shipped', 285, TORCH_CAM, { layer: 'blocks.1.project_conv.Conv' }),
  resnet('score-cam', 9, TORCH_CAM),
  // with half the noise 0.997, with parts that do not add up 0.9987
  resnet('ss-cam', 9, TORCH_CAM, { options: { samples: 4 }, minimum: 0.999, note: '4 samples' }),
  resnet('is-cam', 9, TORCH_CAM, { options: { steps: 4 }, minimum: 0.9995, note: '4 steps' }),
  resnet('smooth-grad-cam++', 9, TORCH_CAM, {
    options: { samples: 10 },
    minimum: 0.722,
    note: '10 samples; it takes the gradient and the features of its last noisy picture, so that its maps are that unlike each other',
  }),
  last('recipro-cam', 'shipped', 285, OPENVINO, { options: { radius: 0 }, note: 'single places' }),
  resnet('recipro-cam', 9, OPENVINO, { note: 'Gaussian' }),
  last('recipro-cam', 'vit', 4, OPENVINO, { note: 'Gaussian, with the class token: ViT-ReciproCAM' }),
  last('dff', 'shipped', 967, PGC, { note: 'start NNDSVD' }),
  resnet('dff', 9, PGC, { note: 'start NNDSVD' }),
  last('dff', 'vit', 4, PGC, { note: 'start NNDSVD' }),
]
