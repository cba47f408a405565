/** Methods that explain the picture alone, never another input. */
import { ExplainError } from '../core/errors.js'
import type { Method } from '../methods/method.js'

/** True where the picture is among what is explained. */
export function explainsPicture(wrt: string | readonly string[] | undefined, picture: string): boolean {
  return wrt === undefined || [wrt].flat().some((name) => name === picture || name === 'all')
}

/** The error for other inputs. */
export function pictureOnly(method: Method, inputs: readonly string[]): ExplainError {
  return new ExplainError('method-not-applicable', {
    what: `${method.id} explains the picture: it has no map of ${inputs.map((i) => `the input "${i}"`).join(', ')}`,
    remedy: 'Explain other inputs by gradient or input-x-gradient.',
  })
}
