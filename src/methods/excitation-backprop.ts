import { defineMethod } from './method.js'
import { EXCITATION, winners } from './propagation/winners.js'

/**
 * Excitation backprop: from the class down, each neuron passes its chance to win on to the neurons that excite it, in proportion to what they
 * add by positive weights. The chances at the layer, summed over channels.
 */
export const excitationBackprop = defineMethod({
  ...EXCITATION,
  id: 'excitation-backprop',
  title: 'Excitation backprop',
  summary: 'Where the neurons are that excited the class, as chances which sum to one.',
  source: 'Zhang et al., ECCV 2016 (arXiv 1608.00507), section 3.2, equations 3 to 5; stabilised as in TorchRay',
  build: (context) => winners(context, context.layer(), 'excitation-backprop', false),
})
