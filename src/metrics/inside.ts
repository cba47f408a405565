/** How much of a map lies on the object. */
import { sum } from './maps.js'

/** The share of the map's sum that lies where the mask is; 0 where the sum is 0. */
export function shareInside(values: Float32Array, mask: Uint8Array): number {
  const all = sum(values)
  return all === 0 ? 0 : sum(values.map((v, i) => (mask[i] ? v : 0))) / all
}
