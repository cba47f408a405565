/** A picture explained, while a bar tells how far it is. */
import type { ExplainOptions, ExplanationSet } from '../explain/index.js'
import type { ImageSource, NodeModel } from '../node/open.js'
import type { ModelOptions } from './model-options.js'
import { showProgress } from './progress.js'

/** Explains what is asked, with the options of the command. Rejects where no method gives a map. */
export async function explained(
  model: NodeModel,
  image: ImageSource,
  { layer, grid, score, batch, quiet }: ModelOptions,
  asked: ExplainOptions,
): Promise<ExplanationSet> {
  const progress = showProgress(!quiet)
  try {
    const set = await model.explainAll(image, {
      ...{ layer, grid, score },
      ...(batch === undefined ? {} : { batch }),
      onProgress: progress.update,
      ...asked,
    })
    const [refusal] = set.refused
    if (set.explanations.length === 0 && refusal) throw refusal.error
    return set
  } finally {
    progress.stop()
  }
}
