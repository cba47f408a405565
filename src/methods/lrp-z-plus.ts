import { defineMethod } from './method.js'
import { RELEVANCE, relevance, STABILISER } from './propagation/relevance.js'
import { zPlusRule } from './propagation/share.js'

/** The z+ rule in every layer: only what adds to a neuron gets a share. */
export const lrpZPlus = defineMethod({
  ...RELEVANCE,
  id: 'lrp-z-plus',
  title: 'LRP z+',
  summary: 'Relevance to positive contributions alone: calm maps of what the network sees, less of which class it is.',
  source: 'Montavon et al., Pattern Recognition 2017 (arXiv 1512.02479), equation 15; as zennit has it',
  options: {},
  build: (context) => relevance(context, 'lrp-z-plus', () => zPlusRule(STABILISER)),
})
