import { BASELINE_OPTION } from './baseline.js'
import { defineMethod } from './method.js'
import { referencePass } from './propagation/reference.js'
import { rescale } from './propagation/rescale.js'

/**
 * DeepLIFT by the rescale rule: multipliers times the picture's difference from a plain one. The network sees both in one run. Sums to the
 * change of the score.
 */
export const deepLift = defineMethod({
  id: 'deep-lift',
  kind: 'compiled',
  title: 'DeepLIFT',
  family: 'propagation',
  space: 'input',
  atLayer: false,
  channels: 'sum',
  display: 'signed',
  summary: "The score's change from a plain picture, shared out by what each part's change made of it.",
  source:
    "Shrikumar et al., ICML 2017 (arXiv 1704.02685), section 3.5.1, the rescale rule; maxima and small changes as Captum's",
  cost: '2 forward + 1 backward',
  options: { baseline: BASELINE_OPTION },
  build: (context) => {
    const { b, input, options } = context
    // of the input's own shape, and not to be computed when the session is made
    const nothing = b.op('Mul', [input, b.scalar(0, input)])
    const plain = b.op('Add', [nothing, context.fill(options.baseline)])
    b.know(plain, b.type(input), b.dims(input))
    if (b.graph.producer(context.scores)?.op === 'Softmax')
      context.note(
        'deep-lift: multipliers of the final Softmax are less their mean, as in Captum; logits alone are shared out completely.',
      )
    const reference = referencePass(b, input, context.scores, plain)
    const override = rescale(`deep-lift ${options.baseline}`, reference, context.scores)
    const difference = b.op('Sub', [input, plain])
    return b.op('Mul', [difference, context.gradient(input, { override })])
  },
})
