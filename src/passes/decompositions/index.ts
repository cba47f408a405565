/** Every decomposition, by operator. */
import { norm } from './norm.js'
<<<<<<< HEAD
import { quantised } from './quantised.js'

export const DECOMPOSITIONS = {
  ...norm,
  ...quantised,
=======
import { recurrentNetworks } from './recurrent.js'

export const DECOMPOSITIONS = {
  ...norm,
  ...recurrentNetworks,
>>>>>>> cd9559d (Write LSTM, GRU and RNN out as a Scan over their cell)
}
