/** What the unchanged picture tells, for what targets leave open: the best class, where a region is, what an embedding is. */
import { ExplainError } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import type { FoundEmbedding, Settling, TargetContext } from '../targets/target.js'
import type { Image, Prepared } from './prepare.js'
import { refuseOtherAnswers } from './target-scores.js'

/** What is asked of a model. */
export interface SettlingModel {
  /** Class indices, best first. */
  ranked(prepared: Prepared): Promise<readonly number[]>
  value(name: string, prepared: Prepared): Promise<Tensor<'float32'>>
  /** Of a text, or of the other picture `image`, which goes with what the prepared one goes with. */
  embedding(
    wanted: { text: string; of: string | undefined },
    image: Image | undefined,
    prepared: Prepared,
  ): Promise<FoundEmbedding>
  boxes(prepared: Prepared): ReturnType<Settling['boxes']>
}

/** `pictures` are other pictures that targets name. */
export function settlingOf(
  model: SettlingModel,
  context: TargetContext,
  prepared: Prepared,
  pictures: Readonly<Record<string, Image>>,
): Settling {
  const values = new Map<string, Promise<Tensor<'float32'>>>()
  const { geometry } = prepared
  return {
    ...context,
    ranked: () => {
      refuseOtherAnswers('The best answer', context.answer)
      return model.ranked(prepared)
    },
    value: (name) => {
      const known = values.get(name) ?? model.value(name, prepared)
      values.set(name, known)
      return known
    },
    place: (x, y) => {
      const { x0, y0, x1, y1 } = geometry.seen
      return { x: (x - x0) / (x1 - x0), y: (y - y0) / (y1 - y0) }
    },
    boxes: () => model.boxes(prepared),
    embedding: async (of) => {
      if ('text' in of) return model.embedding(of, undefined, prepared)
      const picture = pictures[of.picture]
      if (picture) return model.embedding({ text: of.picture, of: of.of }, picture, prepared)
      throw new ExplainError('missing-input', {
        what: `The other picture "${of.picture}" is not given`,
        where: 'target of kind similarity',
        remedy: `Give it with the request: pictures: { ${JSON.stringify(of.picture)}: ... }.`,
        details: { given: Object.keys(pictures) },
      })
    },
  }
}
