/** Every decomposition, by operator. */
import { norm } from './norm.js'
import { quantised } from './quantised.js'
import { recurrentNetworks } from './recurrent.js'

export const DECOMPOSITIONS = {
  ...norm,
  ...quantised,
  ...recurrentNetworks,
}
