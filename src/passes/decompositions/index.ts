/** Every decomposition, by operator. */
import { norm } from './norm.js'

export const DECOMPOSITIONS = {
  ...norm,
}
