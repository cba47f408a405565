/** Methods that blur the picture: along a way, or under masks (scripts/masks_fixtures.py). */
import type { Agreement } from './agreement.js'

const PAIR = 'PAIR saliency 0.2.1'

export const MASKS: readonly Agreement[] = [
  {
    method: 'blur-ig',
    options: { steps: 8 },
    reference: PAIR,
    network: 'shipped',
    target: 967,
    fixture: 'blur-ig-shipped',
    stored: 'every-fourth',
    minimum: 0.99,
    note: '8 steps',
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
      minimum: 0.99,
      note: '10 steps from a blur of 20 px',
    }),
  ),
]
