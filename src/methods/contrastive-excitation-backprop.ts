import { positive } from './maps.js'
import { defineMethod } from './method.js'
import { EXCITATION, hasClassifier, winners } from './propagation/winners.js'

/**
 * Contrastive excitation backprop: the chances of the class less those of its opposite, whose neuron has the weights of the class negated; what
 * is below 0 is cut off. The classifier is the last layer with weights; the rest of the way is the same for both.
 */
export const contrastiveExcitationBackprop = defineMethod({
  ...EXCITATION,
  id: 'contrastive-excitation-backprop',
  title: 'Contrastive excitation backprop',
  summary: 'Where neurons excited the class rather than all the others: excitation backprop that tells classes apart.',
  source: 'Zhang et al., ECCV 2016 (arXiv 1608.00507), section 3.3; as in TorchRay',
  build: (context) => {
    const layer = context.layer()
    const id = 'contrastive-excitation-backprop'
    if (!hasClassifier(context, layer.value))
      context.note(`${id}: no weights come behind this layer, so that no class has an opposite: chances as they are.`)
    return positive(context.b, winners(context, layer, id, true))
  },
})
