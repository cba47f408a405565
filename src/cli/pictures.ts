/** Work on several pictures: one that fails does not end the others. */
import type { ErrorCode } from '../core/errors.js'

/** Failures that say nothing about the next picture; what is wrong with the command is wrong for all. */
export const OF_ONE_PICTURE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cannot-read',
  'cannot-write',
  'image-too-large',
  'invalid-image',
  'runtime-failed',
])
