/** Methods that blur the picture: along a way, or under masks (scripts/masks_fixtures.py). */
import type { Agreement } from './agreement.js'

const PAIR = 'PAIR saliency 0.2.1'
const TORCHRAY = 'TorchRay 1.0.0.2'

export const MASKS: readonly Agreement[] = [
  {
    method: 'blur-ig',
    options: { steps: 4 },
    reference: PAIR,
    network: 'shipped',
    target: 967,
    fixture: 'blur-ig-shipped',
    stored: 'every-fourth',
    minimum: 0.999,
    note: '4 steps',
  },
  ...(['resnet', 'vit'] as const).map(
    (network): Agreement => ({
      method: 'blur-ig',
      options: { steps: 10, sigma: 20 },
      reference: PAIR,
      network,
      target: 3,
      fixture: `blur-ig-${network}`,
      stored: 'every-fourth',
      minimum: 0.999,
      note: '10 steps from a blur of 20 px',
    }),
  ),
  {
    method: 'extremal-perturbation',
    options: { iterations: 4 },
    reference: TORCHRAY,
    network: 'shipped',
    target: 967,
    fixture: 'extremal-perturbation-shipped',
    stored: 'blocks',
    minimum: 0.999,
    note: '4 iterations',
  },
  {
    method: 'extremal-perturbation',
    options: { iterations: 10, areas: '0.05, 0.2' },
    reference: `${TORCHRAY}, in float64`,
    network: 'resnet',
    target: 3,
    fixture: 'extremal-perturbation-resnet',
    stored: 'blocks',
    minimum: 0.999,
    note: 'areas of 0.05 and 0.2, 10 iterations; in float32 rounding errors sort the equal pixels of its masks',
  },
  {
    method: 'extremal-perturbation',
    options: { iterations: 10, variant: 'dual' },
    reference: `${TORCHRAY}, in float64`,
    network: 'resnet',
    target: 3,
    fixture: 'extremal-perturbation-dual-resnet',
    stored: 'blocks',
    minimum: 0.999,
    note: 'dual game, 10 iterations',
  },
  ...(
    [
      ['shipped', 967, 4],
      ['resnet', 3, 40],
    ] as const
  ).map(
    ([network, target, iterations]): Agreement => ({
      method: 'meaningful-perturbation',
      options: { iterations, jitter: 1 },
      reference: "the paper's equation 6 in PyTorch 2.15",
      network,
      target,
      fixture: `meaningful-perturbation-${network}`,
      stored: 'blocks',
      minimum: 0.99,
      note: `${iterations} iterations without jitter`,
    }),
  ),
]
