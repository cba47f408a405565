/** Maps of one slice, which have boxes. */
import { ExplainError } from '../core/errors.js'
import type { MapPlane } from './metric.js'

/** Throws `method-not-applicable` for volumes and clips. */
export function onePlane(map: MapPlane, metric: string): void {
  if (map.depth === 1) return
  throw new ExplainError('method-not-applicable', {
    what: `${metric} draws boxes on pictures, and this map has ${map.depth} slices`,
    remedy: 'Take relevance-mass, relevance-rank or pointing-game, which go by masks and boxes through all slices.',
  })
}

/** A mask `[height, width]` repeated for every slice. */
export function throughSlices(mask: Uint8Array, { depth }: MapPlane): Uint8Array {
  const out = new Uint8Array(mask.length * depth)
  for (let z = 0; z < depth; z++) out.set(mask, z * mask.length)
  return out
}
