/** Pictures some of whose places are taken away and filled from the rest, for ROAD and the information curves. */
import type { Grid } from '../core/layout.js'
import { Places } from '../core/places.js'
import { Imputer } from './impute.js'

/** Fills what is not kept, slice by slice and channel by channel; `noise` gives what is added to each value. */
export function fillRemoved(picture: Float32Array, grid: Grid, kept: Uint8Array, noise?: () => number): void {
  const { D, H, W } = grid
  const places = new Places(grid)
  const area = H.extent * W.extent
  for (let z = 0; z < D.extent; z++) {
    const imputer = new Imputer(kept.subarray(z * area, (z + 1) * area), H.extent, W.extent)
    for (let c = 0; c < places.channels; c++) {
      const plane = Float64Array.from({ length: area }, (_, i) => picture[places.at(z * area + i, c)] ?? 0)
      const values = imputer.fill(plane)
      for (const [k, place] of imputer.taken.entries())
        picture[places.at(z * area + place, c)] = (values[k] ?? 0) + (noise?.() ?? 0)
    }
  }
}
