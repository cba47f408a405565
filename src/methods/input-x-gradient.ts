import { gradient } from './gradient.js'
import { defineMethod } from './method.js'

/** The gradient times the preprocessed picture: the first-order effect of taking each pixel away. */
export const inputXGradient = defineMethod({
  id: 'input-x-gradient',
  kind: 'compiled',
  title: 'Input x gradient',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'sum',
  ofTokens: true,
  display: 'signed',
  summary: 'Each pixel times its gradient: evidence for and against the class.',
  source: 'Shrikumar et al. 2016 (arXiv 1605.01713), section 2',
  cost: '1 forward + 1 backward',
  options: {},
  build: (context) => context.b.op('Mul', [context.input, context.map(gradient)]),
})
