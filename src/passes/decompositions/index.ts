/** Every decomposition, by operator. */
import { activation } from './activation.js'
import { attention } from './attention.js'
import { contribActivation } from './contrib-activation.js'
import { contribAttention } from './contrib-attention.js'
import { contribCrop } from './contrib-crop.js'
import { contribNorm } from './contrib-norm.js'
import { contribPlain } from './contrib-plain.js'
import { contribProduct } from './contrib-product.js'
import { conv } from './conv.js'
import { loss } from './loss.js'
import { norm } from './norm.js'
import { quantised } from './quantised.js'
import { recurrentNetworks } from './recurrent.js'
import { reduce } from './reduce.js'
import { signal } from './signal.js'

export const DECOMPOSITIONS = {
  ...conv,
  ...norm,
  ...quantised,
  ...recurrentNetworks,
  ...activation,
  ...attention,
  ...reduce,
  ...signal,
  ...loss,
  ...contribActivation,
  ...contribAttention,
  ...contribCrop,
  ...contribNorm,
  ...contribPlain,
  ...contribProduct,
}
