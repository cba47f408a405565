import { ExplainError } from '../../../src/web/index.js'
import type { Failure } from '../told.js'

/** What work comes to, or the code and the words of its error. Errors that are not onnxplain's have the code `none`. */
export async function outcome<T>(work: () => T | Promise<T>): Promise<T | Failure> {
  try {
    return await work()
  } catch (error) {
    const { message } = error as Error
    return { error: { code: error instanceof ExplainError ? error.code : 'none', message } }
  }
}
