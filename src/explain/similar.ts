/** Pictures ranked by how like they are to one, and what makes them so: maps in both directions. */
import { ExplainError, throwIfAborted } from '../core/errors.js'
import { unit } from '../targets/embedding.js'
import type { Explanation } from './explanation.js'
import type { Model } from './model.js'
import type { Image } from './prepare.js'
import { cosine } from './prompts.js'
import type { ExplainOptions } from './request.js'

export interface SimilarOptions extends Omit<ExplainOptions, 'method' | 'target' | 'pictures' | 'onProgress'> {
  /** The method of the maps. Default: `grad-cam`. */
  readonly method?: string
  /** The value that is a picture's embedding. Default: the model's, or of a classifier what its last linear layer reads. */
  readonly of?: string | undefined
  /** Pictures that are explained, the most alike first. Default: 5. */
  readonly top?: number
}

/** One of the pictures. */
export interface SimilarPicture {
  readonly name: string
  /** Of its embedding and the query's. */
  readonly cosine: number
  /** Where the query is like it, and where it is like the query; undefined for pictures behind the first `top`. */
  readonly maps: { readonly ofQuery: Explanation; readonly ofPicture: Explanation } | undefined
}

/** A picture and what it is called. */
export interface NamedImage<I = Image> {
  readonly name: string
  readonly image: I
}

/**
 * Ranks pictures by the cosine of their embedding with the query's, and explains the first by it: on the query and on each picture (after Chen et al.,
 * Adapting Grad-CAM for Embedding Networks, WACV 2020, arXiv 2001.06538; what is differentiated is the cosine itself). Rejects with what explaining rejects with.
 */
export async function similar(
  model: Model,
  query: NamedImage,
  pictures: readonly NamedImage[],
  options: SimilarOptions = {},
): Promise<readonly SimilarPicture[]> {
  const { of, top = 5, method = 'grad-cam', ...rest } = options
  if (pictures.length === 0)
    throw new ExplainError('bad-option', { what: 'There is no picture to compare the query with' })
  const embed = (image: Image): Promise<Float32Array> => {
    throwIfAborted(rest.signal)
    return model.embedPicture(image, { of, inputs: rest.inputs, size: rest.size })
  }
  const own = await embed(query.image)
  const found: { name: string; image: Image; embedding: Float32Array; cosine: number }[] = []
  for (const { name, image } of pictures) {
    const embedding = await embed(image)
    found.push({ name, image, embedding, cosine: cosine(own, embedding) })
  }
  found.sort((a, b) => b.cosine - a.cosine)
  const target = (to: string, embedding: Float32Array) =>
    ({ kind: 'similarity', to, of: model.embeddingValue(of).value, embedding: unit(embedding) }) as const
  const shown = found.slice(0, top)
  const targets = shown.map(({ name, embedding }) => target(name, embedding))
  // all of them are one plan: the query's embedding is computed once for several
  const set = shown.length > 0 ? await model.explainAll(query.image, { ...rest, method, target: targets }) : undefined
  const [refusal] = set?.refused ?? []
  if (refusal) throw refusal.error
  const ranked: SimilarPicture[] = []
  for (const [i, { name, image, cosine }] of found.entries()) {
    const ofQuery = set?.explanations[i]
    const ofPicture = ofQuery && (await model.explain(image, { ...rest, method, target: target(query.name, own) }))
    ranked.push({ name, cosine, maps: ofQuery && ofPicture && { ofQuery, ofPicture } })
  }
  return ranked
}
