/** Work on several pictures: one that fails does not end the others. */
import { type ErrorCode, ExplainError } from '../core/errors.js'

/** Failures that say nothing about the next picture; what is wrong with the command is wrong for all. */
const OF_ONE_PICTURE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cannot-read',
  'cannot-write',
  'image-too-large',
  'invalid-image',
  'runtime-failed',
])

/** Does the work for each picture in turn. Of several, one that fails by itself is named on standard error, and the exit code is 1. */
export async function eachPicture(
  pictures: readonly string[],
  work: (picture: string, index: number) => Promise<void>,
): Promise<void> {
  for (const [i, picture] of pictures.entries())
    try {
      await work(picture, i)
    } catch (error) {
      if (pictures.length === 1 || !(error instanceof ExplainError) || !OF_ONE_PICTURE.has(error.code)) throw error
      const name = error.message.includes(picture) ? '' : `${picture}: `
      process.stderr.write(`onnxplain: ${name}${error.message} [${error.code}]\n`)
      process.exitCode = 1
    }
}
