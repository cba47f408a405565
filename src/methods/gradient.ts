import { defineMethod } from './method.js'

/** The gradient of the class' score by the picture. */
export const gradient = defineMethod({
  id: 'gradient',
  kind: 'compiled',
  title: 'Gradient',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'max-abs',
  display: 'positive',
  summary: 'How much each pixel would change the score if it changed a little.',
  source: 'Simonyan et al., ICLR 2014 workshop (arXiv 1312.6034), section 3.1',
  cost: '1 forward + 1 backward',
  options: {},
  build: (context) => context.gradient(context.input),
})
