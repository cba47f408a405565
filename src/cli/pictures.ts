/** Work on several pictures: one that fails does not end the others, and reading and drawing go on while the network runs. */
import { type ErrorCode, ExplainError } from '../core/errors.js'

/** Failures that say nothing about the next picture; what is wrong with the command is wrong for all. */
const OF_ONE_PICTURE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cannot-read',
  'cannot-write',
  'image-too-large',
  'invalid-image',
  'runtime-failed',
])

/**
 * Pictures read ahead of their turn, which bounds the memory. A run blocks this thread, but not the threads that read and decode: reading takes
 * several steps, one of which goes on in each run; so two pictures are on their way.
 */
const AHEAD = 2

/** What is done with a picture. */
export interface PictureWork<T> {
  /** Ahead of the picture's turn. */
  readonly read: (picture: string, index: number) => Promise<T>
  /** In its turn. What it returns, if anything, is done while the next picture is in turn: drawing, writing, printing. */
  readonly work: (read: T, picture: string, index: number) => Promise<(() => Promise<void>) | undefined>
}

/**
 * Does the work for each picture in turn, and finishes them in the same order. Of several, one that fails by itself is named on standard error,
 * and the exit code is 1.
 */
export async function eachPicture<T>(pictures: readonly string[], { read, work }: PictureWork<T>): Promise<void> {
  const isOne = pictures.length === 1
  const coming: (Promise<T> | undefined)[] = []
  let finishing: Promise<unknown> = Promise.resolve()
  try {
    for (const [i, picture] of pictures.entries()) {
      for (let next = coming.length; next <= Math.min(i + AHEAD, pictures.length - 1); next++)
        coming.push(silent(read(pictures[next] ?? '', next)))
      const finish = await attempt(isOne, picture, async () => work(await taken(coming, i), picture, i))
      await finishing
      finishing = silent(attempt(isOne, picture, async () => finish?.()))
    }
  } finally {
    // what was begun is ended before what it works with is given back
    await Promise.allSettled([finishing, ...coming])
  }
  await finishing
}

/** What was read, which is not kept. */
function taken<T>(coming: (Promise<T> | undefined)[], i: number): Promise<T> {
  const read = coming[i]
  if (!read) throw new RangeError(`picture ${i} was not read`)
  coming[i] = undefined
  return read
}

/** A promise whose failure is told to whoever waits for it, later. */
function silent<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

async function attempt<T>(isOne: boolean, picture: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isOne || !(error instanceof ExplainError) || !OF_ONE_PICTURE.has(error.code)) throw error
    const name = error.message.includes(picture) ? '' : `${picture}: `
    process.stderr.write(`onnxplain: ${name}${error.message} [${error.code}]\n`)
    process.exitCode = 1
    return undefined
  }
}
