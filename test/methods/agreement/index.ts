/** All agreements with reference libraries, family by family. */
import type { Agreement } from './agreement.js'
import { CAM } from './cam.js'
import { DRIVEN_CAMS } from './driven-cams.js'
import { GRADIENT } from './gradient.js'
import { SEGMENTS } from './segments.js'

export const AGREEMENTS: readonly Agreement[] = [...CAM, ...DRIVEN_CAMS, ...GRADIENT, ...SEGMENTS]
export const AGREEMENTS: readonly Agreement[] = [...DRIVEN_CAMS]
import { PROPAGATION } from './propagation.js'

export const AGREEMENTS: readonly Agreement[] = [...DRIVEN_CAMS, ...PROPAGATION]
