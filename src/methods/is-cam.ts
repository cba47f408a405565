import { defineMethod } from './method.js'
import { scoreWeighted } from './score-weights.js'

/**
 * IS-CAM: Score-CAM with the mean scores over masks that grow from step to step: step i of N adds the i/N-th part of the mask to what there was,
 * so that its factor is `i (i + 1) / 2N`, as torch-cam has it; above 1 in later steps.
 */
export const isCam = defineMethod({
  id: 'is-cam',
  kind: 'driven',
  title: 'IS-CAM',
  family: 'cam',
  space: 'layer',
  atLayer: true,
  display: 'positive',
  summary: 'Score-CAM integrated: the mean scores of what channels let through while their masks grow.',
  source: 'Naidu et al. 2020 (arXiv 2010.03023), section 3; steps and defaults as in torch-cam',
  cost: '1 forward for each channel of the layer and each step (10 by default)',
  options: {
    steps: { kind: 'integer', default: 10, minimum: 1, unit: 'steps', description: 'steps in which masks grow' },
  },
  run: (context) => {
    const { steps } = context.options
    return scoreWeighted(context, steps, (pass) => {
      const factor = ((pass + 1) * (pass + 2)) / (2 * steps)
      return (value) => factor * value
    })
  },
})
