/** Gradients and their kind, by Captum and PyTorch (scripts/golden_fixtures.py, scripts/gradient_fixtures.py). */
import type { Agreement } from './agreement.js'

const CLASSES = { 'egyptian-cat': 285, espresso: 967 }

/** Of the shipped model, with their scale. */
const GOLDEN = [
  { method: 'cam', file: 'cam-raw', reference: 'PyTorch 2.15', relative: 1e-3 },
  { method: 'grad-cam', file: 'gradcam-raw', reference: 'PyTorch 2.15', relative: 1e-3 },
  { method: 'hires-cam', file: 'hirescam-raw', reference: 'PyTorch 2.15', relative: 1e-3 },
  { method: 'layer-cam', file: 'layercam-raw', reference: 'PyTorch 2.15', relative: 1e-3 },
  { method: 'gradient', file: 'gradient', reference: 'PyTorch 2.15', relative: 1e-2 },
  { method: 'guided-backpropagation', file: 'guided', reference: 'PyTorch 2.15', relative: 2e-2 },
  { method: 'deconvnet', file: 'deconvnet', reference: 'PyTorch 2.15', relative: 2e-2 },
] as const

const golden = Object.entries(CLASSES).flatMap(([name, target]): Agreement[] => {
  const on = { network: 'shipped', target, minimum: 0.999 } as const
  return [
    ...GOLDEN.map(({ file, ...a }): Agreement => ({ ...on, ...a, fixture: `golden/${name}-${file}`, stored: 'raw' })),
    {
      ...on,
      method: 'integrated-gradients',
      options: { steps: 64 },
      reference: 'Captum 0.9',
      fixture: `golden/${name}-integrated`,
      stored: 'every-fourth',
      relative: 2e-2,
      note: '64 steps',
    },
  ]
})

const SMALL = {
  resnet: ['gradient', 'input-x-gradient', 'guided-backpropagation', 'deconvnet', 'guided-grad-cam'],
  vit: ['gradient', 'input-x-gradient'],
} as const

const small = (['resnet', 'vit'] as const).flatMap((network) =>
  SMALL[network].map((method): Agreement => {
    const guided = method === 'guided-grad-cam'
    return {
      network,
      method,
      target: network === 'resnet' ? 9 : 4,
      ...(guided ? { layer: '/layer3/layer3.0/act3/Relu_output_0', note: 'resized bilinearly' } : {}),
      reference: 'Captum 0.9',
      fixture: `gradient-${network}-${method}`,
      stored: 'every-fourth',
      minimum: 0.999,
    }
  }),
)

export const GRADIENT: readonly Agreement[] = [...golden, ...small]
