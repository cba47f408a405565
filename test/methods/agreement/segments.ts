/** Methods that cover or rank segments and cells (scripts/segment_fixtures.py). */
import type { Agreement } from './agreement.js'

const lime = { method: 'lime', reference: 'lime 0.2.0.1', stored: 'every-fourth' } as const
const shap = { method: 'kernel-shap', reference: 'Captum 0.9.0', stored: 'every-fourth' } as const
const xplique = {
  stored: 'every-fourth',
  reference: 'Xplique 2.0.2',
  note: "Xplique's formula written in NumPy; its sampler is LatinHypercube",
} as const
const onShipped = { network: 'shipped', target: 967 } as const
const segmentsNote = "on the segments of scikit-image's slic, hidden parts 0"

export const SEGMENTS: readonly Agreement[] = [
  {
    ...lime,
    ...onShipped,
    fixture: 'lime-shipped',
    options: { segments: 6, samples: 40 },
    minimum: 0,
    note: segmentsNote,
  },
  {
    ...lime,
    network: 'vit',
    target: 4,
    fixture: 'lime-vit',
    options: { segments: 16, samples: 200 },
    minimum: 0,
    note: segmentsNote,
  },
  {
    ...shap,
    ...onShipped,
    fixture: 'kernel-shap-shipped',
    options: { segments: 6, samples: 40 },
    minimum: 0,
    note: segmentsNote,
  },
  {
    ...shap,
    network: 'resnet',
    target: 9,
    fixture: 'kernel-shap-resnet',
    options: { segments: 16, samples: 200 },
    minimum: 0,
    note: segmentsNote,
  },
  {
    method: 'xrai',
    ...onShipped,
    fixture: 'xrai-shipped',
    options: { steps: 3 },
    stored: 'every-fourth',
    reference: 'PAIR saliency 0.2.1',
    minimum: 0.99,
    note: 'given integrated gradients at the middles of the steps',
  },
  {
    ...xplique,
    method: 'sobol',
    network: 'resnet',
    target: 9,
    fixture: 'sobol-resnet',
    options: { cells: 4, designs: 16 },
    minimum: 0,
  },
  {
    ...xplique,
    method: 'hsic',
    network: 'vit',
    target: 4,
    fixture: 'hsic-vit',
    options: { cells: 4, samples: 200 },
    minimum: 0,
  },
]
