import { defineMethod } from './method.js'
import { GUIDED, leftAlone } from './rectifiers.js'

/** Backpropagation that lets only positive gradients through active rectifiers; see rectifiers.ts for the rules. */
export const guidedBackpropagation = defineMethod({
  id: 'guided-backpropagation',
  kind: 'compiled',
  title: 'Guided backpropagation',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'max-abs',
  display: 'pixels',
  summary: 'The fine structure that excites the network; hardly depends on the class.',
  source: 'Springenberg et al., ICLR 2015 workshop (arXiv 1412.6806), section 3.4',
  cost: '1 forward + 1 backward',
  options: {},
  build: (context) => {
    const left = leftAlone(context.b.graph, context.path(), 'guided-backpropagation')
    if (left) context.note(left)
    return context.gradient(context.input, { override: GUIDED })
  },
})
