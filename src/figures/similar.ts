/** What makes pictures alike, as a figure: the query with its map toward each picture above, each picture with its map toward the query below. */
import type { Explanation, SimilarPicture } from '../explain/index.js'
import type { Picture } from '../image/index.js'
import { type DrawOptions, drawExplained, type FigureCell, type FigureSpec } from '../render/index.js'
import { reduced } from './figure.js'

export interface SimilarFigureOptions extends DrawOptions {
  readonly footer?: string
}

/** A cosine from which on what is left of its gradient is rounding. */
const EQUAL = 1 - 1e-5

/** A column for each picture that has maps, the most alike first. `pictureOf`: the picture of a name. */
export function similarFigure(
  query: { readonly name: string; readonly picture: Picture },
  ranked: readonly SimilarPicture[],
  pictureOf: (name: string) => Picture,
  { footer, ...drawing }: SimilarFigureOptions = {},
): FigureSpec {
  const own = reduced(query.picture)
  const cell = (picture: Picture, explanation: Explanation, cosine: number): FigureCell => {
    if (cosine > EQUAL) return { message: 'The embeddings are equal: at its greatest the cosine has no gradient.' }
    const [odd] = explanation.diagnosis
    return odd ? { message: `${odd.code}: ${odd.message}` } : drawExplained(picture, explanation, drawing)
  }
  const shown = ranked.flatMap(({ name, cosine, maps }) => (maps ? [{ name, cosine, maps }] : []))
  return {
    columns: [
      { title: 'Query', subtitle: query.name },
      ...shown.map(({ name, cosine }) => ({ title: name, subtitle: `cosine ${cosine.toFixed(3)}` })),
    ],
    rows: [
      {
        title: 'The query',
        subtitle: 'where it is like the picture',
        cells: [{ image: own }, ...shown.map(({ maps, cosine }) => cell(own, maps.ofQuery, cosine))],
      },
      {
        title: 'The picture',
        subtitle: 'where it is like the query',
        cells: [
          { message: '' },
          ...shown.map(({ name, maps, cosine }) => cell(reduced(pictureOf(name)), maps.ofPicture, cosine)),
        ],
      },
    ],
    ...(footer ? { footer } : {}),
  }
}
