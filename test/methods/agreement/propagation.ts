/** Relevance, DeepLIFT and excitation backprop: fixtures of `scripts/propagation_fixtures.py`. */
import type { Agreement } from './agreement.js'

const ZENNIT = 'zennit 0.5.1'
const TORCHRAY = 'TorchRay 1.0.0.2'
const LRP = ['lrp', 'lrp-epsilon', 'lrp-gamma', 'lrp-alpha-beta', 'lrp-z-plus'] as const
/** What zennit calls them. */
const COMPOSITES: Readonly<Record<(typeof LRP)[number], string>> = {
  lrp: 'EpsilonPlusFlat',
  'lrp-epsilon': 'Epsilon in all layers',
  'lrp-gamma': 'EpsilonGammaBox',
  'lrp-alpha-beta': 'EpsilonAlpha2Beta1Flat',
  'lrp-z-plus': 'ZPlus in all layers',
}
const TARGETS = { resnet: 9, vgg: 9, shipped: 967 } as const

function pixels(network: keyof typeof TARGETS, method: string, reference: string, note?: string): Agreement {
  return {
    method,
    reference,
    network,
    target: TARGETS[network],
    fixture: `${network}-${method}`,
    stored: 'every-fourth',
    minimum: 0.9999,
    ...(note === undefined ? {} : { note }),
  }
}

function winners(
  network: keyof typeof TARGETS,
  layer: string | undefined,
  place = '',
  rest: Partial<Agreement> = {},
): Agreement[] {
  return ['excitation-backprop', 'contrastive-excitation-backprop'].map((method) => ({
    method,
    ...(layer === undefined ? {} : { layer }),
    reference: TORCHRAY,
    network,
    target: TARGETS[network],
    fixture: `${network}-${method}${place}`,
    stored: 'raw',
    minimum: 0.9999,
    ...rest,
  }))
}

export const PROPAGATION: readonly Agreement[] = [
  ...(['vgg', 'resnet'] as const).flatMap((network) =>
    LRP.filter((method) => network === 'vgg' || method !== 'lrp-z-plus').map((method) =>
      pixels(network, method, ZENNIT, COMPOSITES[method]),
    ),
  ),
  pixels('shipped', 'lrp', ZENNIT, COMPOSITES.lrp),
  ...(['vgg', 'resnet', 'shipped'] as const).map((network) =>
    pixels(network, 'deep-lift', 'Captum 0.9.0', 'baseline 0; overlapping maxima add up'),
  ),
  ...winners('vgg', '/14/Relu_output_0'),
  ...winners('vgg', '/6/Relu_output_0', '-block', {
    minimum: 0.99,
    note: 'TorchRay takes negative summands of a residual sum for chances below 0',
  }),
  ...winners('shipped', undefined),
  ...winners('resnet', '/layer3/layer3.0/act3/Relu_output_0', '-layer3'),
]
