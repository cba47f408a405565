import { defineMethod } from './method.js'
import { EPSILON_OPTION, isConvolution, RELEVANCE, relevance, STABILISER } from './propagation/relevance.js'
import { epsilonRule, flatRule, zPlusRule } from './propagation/share.js'

/** Layer-wise relevance propagation by the usual composite: flat in the first layer, z+ in other convolutions, epsilon in the others. */
export const lrp = defineMethod({
  ...RELEVANCE,
  id: 'lrp',
  title: 'LRP',
  summary: 'The score, shared out layer by layer among what added to it, down to the pixels.',
  source:
    "Bach et al., PLOS ONE 2015; composite of Montavon et al. 2019, section 10.3; rules and batch norm as in zennit's EpsilonPlusFlat",
  options: { epsilon: EPSILON_OPTION },
  build: (context) => {
    const { epsilon } = context.options
    const [flat, plus, weak] = [flatRule(STABILISER), zPlusRule(STABILISER), epsilonRule(epsilon)]
    return relevance(context, `lrp ${epsilon}`, (l) => (l.first ? flat : isConvolution(l) ? plus : weak))
  },
})
