/** What transformers attend to (scripts/attention_fixtures.py); networks without a class token and others are in test/methods/attention.test.ts. */
import type { Agreement } from './agreement.js'

export const ATTENTION: readonly Agreement[] = (
  ['attention-rollout', 'transformer-attribution', 'legrad'] as const
).map((method) => ({
  method,
  reference: "the paper's formula in PyTorch 2.15",
  network: 'vit',
  target: 3,
  fixture: `attention-vit-${method}`,
  stored: 'raw',
  minimum: 0.9999,
}))
