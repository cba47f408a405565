/** All agreements with reference libraries, family by family. */
import type { Agreement } from './agreement.js'
import { DRIVEN_CAMS } from './driven-cams.js'

export const AGREEMENTS: readonly Agreement[] = [...DRIVEN_CAMS]
