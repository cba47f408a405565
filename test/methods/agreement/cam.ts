/** The CAM family, by pytorch-grad-cam (scripts/cam_fixtures.py). */
import type { Agreement } from './agreement.js'

const NEW = ['kpca-cam', 'seg-eigen-cam', 'finer-cam', 'shapley-cam']
const PLAIN = [
  ...['grad-cam', 'grad-cam++', 'xgrad-cam', 'hires-cam', 'layer-cam', 'elementwise-grad-cam'],
  ...['eigen-cam', 'eigen-grad-cam', 'fem'],
]
const SMOOTH = ['grad-cam', 'layer-cam']

/** What the script's CASES say. */
const CASES: readonly Pick<Agreement, 'network' | 'layer' | 'target'>[] = [
  { network: 'shipped', target: 285 },
  { network: 'resnet', target: 9, layer: '/layer3/layer3.0/act3/Relu_output_0' },
  { network: 'efficientnet', target: 19, layer: '/blocks/blocks.2/blocks.2.0/bn2/BatchNormalization_output_0' },
  { network: 'vit', target: 4 },
]

export const CAM: readonly Agreement[] = CASES.flatMap(({ layer, ...on }): Agreement[] => {
  const reference = 'pytorch-grad-cam 1.5.7'
  const at = { ...on, ...(layer === undefined ? {} : { layer }), reference }
  const isWhole = on.network === 'shipped' || on.network === 'vit'
  const raw = [...NEW, ...(isWhole ? PLAIN : [])].map((method): Agreement => {
    const note =
      method === 'shapley-cam' && on.network === 'vit'
        ? { note: 'the weights of the library on reshaped activations: its own sum fails on tokens' }
        : {}
    return { ...at, method, fixture: `cam-${on.network}-${method}`, stored: 'raw', minimum: 0.9999, ...note }
  })
  const smooth = SMOOTH.map(
    (method): Agreement => ({
      ...at,
      method,
      options: { 'eigen-smooth': 1 },
      fixture: `cam-${on.network}-${method}-smooth`,
      stored: 'raw',
      minimum: 0.9999,
      note: 'eigen_smooth=True',
    }),
  )
  const full: Agreement = {
    ...on,
    reference,
    method: 'full-grad',
    fixture: `cam-${on.network}-full-grad`,
    stored: 'blocks',
    minimum: 0.999,
  }
  return [...raw, ...smooth, ...(on.network === 'vit' ? [] : [full])]
})
