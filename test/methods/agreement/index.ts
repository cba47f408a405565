/** All agreements with reference libraries, family by family. */
import type { Agreement } from './agreement.js'

export const AGREEMENTS: readonly Agreement[] = []
