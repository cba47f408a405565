/** Explanations smoothed, fused over layers, and drawn as other libraries do: what is built upon the plain ones. */
import { fuseLayers, parseFusion } from './fuse.js'
import type { Inspection } from './inspect.js'
import { findLibrary, layerLike, likeLibrary } from './libraries.js'
import type { Prepared } from './prepare.js'
import type { ExplainOptions, ExplanationSet } from './request.js'
import { parseSmoothing, smoothed } from './smooth.js'

/** What explains plainly. */
export interface PlainExplainer {
  readonly layout: string
  inspect(): Inspection
  readonly explain: (image: Prepared, options: ExplainOptions) => Promise<ExplanationSet>
}

/** Smooths first, fuses then, and draws last. Throws what these throw before anything is run. */
export async function compose(
  explainer: PlainExplainer,
  prepared: Prepared,
  options: ExplainOptions,
): Promise<ExplanationSet> {
  const { smooth, fuse, like, ...plain } = options
  const smoothing = smooth === undefined ? undefined : parseSmoothing(smooth)
  const fusion = fuse === undefined ? undefined : parseFusion(fuse)
  const library = like === undefined ? undefined : findLibrary(like)
  const asked = library
    ? {
        ...plain,
        method: [plain.method ?? 'grad-cam'].flat().map((id) => library.methods?.[id] ?? id),
        layer: plain.layer ?? layerLike(library, () => explainer.inspect()),
      }
    : plain
  const { explain, layout } = explainer
  const set = smoothing ? await smoothed(explain, prepared, layout, smoothing, asked) : await explain(prepared, asked)
  const one = fusion ? { ...set, explanations: fuseLayers(set.explanations, fusion) } : set
  return library ? { ...one, explanations: likeLibrary(one.explanations, library) } : one
}
