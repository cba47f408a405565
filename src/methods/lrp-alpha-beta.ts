import { defineMethod } from './method.js'
import { EPSILON_OPTION, isConvolution, RELEVANCE, relevance, STABILISER } from './propagation/relevance.js'
import { alphaBetaRule, epsilonRule, flatRule } from './propagation/share.js'

/** Alpha 2, beta 1 in convolutions, flat in the first layer, epsilon in the others. */
export const lrpAlphaBeta = defineMethod({
  ...RELEVANCE,
  id: 'lrp-alpha-beta',
  title: 'LRP-alpha2-beta1',
  summary: 'Relevance for and against kept apart: positive contributions weigh twice, negative ones once.',
  source:
    "Bach et al., PLOS ONE 2015 (10.1371/journal.pone.0130140), equation 60; composite as zennit's EpsilonAlpha2Beta1Flat",
  options: {
    beta: {
      kind: 'number',
      default: 1,
      minimum: 0,
      maximum: 10,
      unit: '',
      description: 'how much negative contributions weigh; positive ones weigh 1 more',
    },
    epsilon: EPSILON_OPTION,
  },
  build: (context) => {
    const { beta, epsilon } = context.options
    const [flat, convolution] = [flatRule(STABILISER), alphaBetaRule(beta + 1, beta, STABILISER)]
    const weak = epsilonRule(epsilon)
    return relevance(context, `lrp-alpha-beta ${beta} ${epsilon}`, (l) =>
      l.first ? flat : isConvolution(l) ? convolution : weak,
    )
  },
})
