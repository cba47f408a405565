import { defineMethod } from './method.js'
import { EPSILON_OPTION, RELEVANCE, relevance } from './propagation/relevance.js'
import { epsilonRule } from './propagation/share.js'

/** The epsilon rule in every layer. With epsilon 0, in a network of rectifiers, it is input x gradient. */
export const lrpEpsilon = defineMethod({
  ...RELEVANCE,
  id: 'lrp-epsilon',
  title: 'LRP-epsilon',
  summary: 'Relevance in proportion to what each input adds, for and against; fine and noisy.',
  source: 'Bach et al., PLOS ONE 2015 (10.1371/journal.pone.0130140), equation 58; as zennit has it',
  options: { epsilon: EPSILON_OPTION },
  build: (context) => {
    const { epsilon } = context.options
    return relevance(context, `lrp-epsilon ${epsilon}`, () => epsilonRule(epsilon))
  },
})
