import { defineMethod } from './method.js'
import { DECONVNET, leftAlone } from './rectifiers.js'

/** Backpropagation that lets only positive gradients through rectifiers; max-pooling goes back through its switches. */
export const deconvnet = defineMethod({
  id: 'deconvnet',
  kind: 'compiled',
  title: 'Deconvnet',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  channels: 'max-abs',
  display: 'pixels',
  summary: 'The picture rebuilt from the answer through rectified transposed convolutions.',
  source: 'Zeiler and Fergus, ECCV 2014 (arXiv 1311.2901), section 2.1',
  cost: '1 forward + 1 backward',
  options: {},
  build: (context) => {
    const left = leftAlone(context.b.graph, context.path(), 'deconvnet')
    if (left) context.note(left)
    return context.gradient(context.input, { override: DECONVNET })
  },
})
