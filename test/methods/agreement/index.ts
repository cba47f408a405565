/** All agreements with reference libraries, family by family. */
import type { Agreement } from './agreement.js'
import { ATTENTION } from './attention.js'
import { CAM } from './cam.js'
import { DRIVEN_CAMS } from './driven-cams.js'
import { GRADIENT } from './gradient.js'
import { MASKS } from './masks.js'
import { PROPAGATION } from './propagation.js'
import { SEGMENTS } from './segments.js'

export const AGREEMENTS: readonly Agreement[] = [
  ...CAM,
  ...DRIVEN_CAMS,
  ...ATTENTION,
  ...GRADIENT,
  ...PROPAGATION,
  ...MASKS,
  ...SEGMENTS,
]
