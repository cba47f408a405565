/** Every decomposition, by operator. */
import { norm } from './norm.js'
import { quantised } from './quantised.js'

export const DECOMPOSITIONS = {
  ...norm,
  ...quantised,
}
