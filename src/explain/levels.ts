/** Explanations of boxes at the level of a pyramid that each box was read from. */

import { networkOf } from '../methods/layers.js'
import { parseGrid } from '../methods/layout/grid.js'
import { pyramidLayers } from '../methods/pyramid.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { type Answer, isMadeFrom } from '../targets/answer.js'
import type { Explanation } from './explanation.js'
import { fuseLayers } from './fuse.js'
import type { PictureInput } from './input.js'

/** The levels that a detector's scores are read from, by their values; none where there is one grid, and for other models. */
export function levelsOf(
  graph: Graph,
  shapes: Shapes,
  { name, layout }: PictureInput,
  { head }: Answer,
  grid: string | undefined,
): readonly string[] {
  if (!head) return []
  const { boxes, scores } = head
  const parts = { graph, shapes, picture: { name, layout }, logits: scores.value }
  const network = networkOf(parts, grid === undefined ? undefined : parseGrid(grid))
  const levels = pyramidLayers(network, [scores.value], [boxes.value])
  // on one grid alone any feature map is as good as the last, which is found as for other networks
  return new Set(levels.map((l) => l.form.sizes.join())).size > 1 ? levels.map((l) => l.value) : []
}

/**
 * Of each method's explanations of one target at all levels, one: at the level that the box was read from. That is the one whose map is not zero throughout and from which no other such
 * level is computed; where several are (a box that is read from more than one), their maps fused by the maximum.
 */
export function atOwnLevels(graph: Graph, explanations: readonly Explanation[]): readonly Explanation[] {
  const groups = new Map<string, Explanation[]>()
  for (const e of explanations) {
    const key = JSON.stringify([e.method.id, e.target, e.input])
    groups.set(key, [...(groups.get(key) ?? []), e])
  }
  return [...groups.values()].flatMap((group) => {
    const told = group.filter((e) => e.raw.data.some((v) => v !== 0))
    const own = told.filter(
      ({ raw }) =>
        !told.some((other) => other.raw !== raw && isMadeFrom(graph, other.raw.layer ?? '', raw.layer ?? '')),
    )
    if (own.length === 0) return group.slice(0, 1)
    return own.length === 1 ? own : fuseLayers(own, 'max')
  })
}
