/** All agreements with reference libraries, family by family. */
import type { Agreement } from './agreement.js'
import { SEGMENTS } from './segments.js'

export const AGREEMENTS: readonly Agreement[] = [...SEGMENTS]
