/** A result as JSON, the same from the command line and from a page. */
import type { ExplanationSet } from './request.js'

/**
 * The whole result, one line. Raw maps are listed row-major. Of the heatmap there is where the raw map lies (its edges on those of `seen`)
 * on a picture of which size: its values follow from these, and for a photo they are too many for a string. `more` is told besides.
 */
export function resultJson(
  name: string,
  set: ExplanationSet,
  figure: string | undefined,
  more: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    input: name,
    figure: figure ?? null,
    ...more,
    answers: set.answers,
    explanations: set.explanations.map((e) => ({
      method: e.method.id,
      target: e.target,
      answer: e.answer,
      input: e.input,
      raw: { dims: e.raw.dims, layer: e.raw.layer ?? null, data: short(e.raw.data) },
      heatmap: { width: e.heatmap.width, height: e.heatmap.height, depth: e.heatmap.depth, seen: e.heatmap.seen },
      diagnosis: e.diagnosis,
      provenance: e.provenance,
    })),
    refused: set.refused.map((r) => ({ method: r.method.id, code: r.error.code, message: r.error.message })),
  })
}

/** Float32 values with the digits that they have. */
function short(data: Float32Array): number[] {
  return Array.from(data, (v) => Number(v.toPrecision(8)))
}
