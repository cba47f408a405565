/** Methods for tests of all of them. */
import type { GivenOptions } from '../../src/explain/index.js'
import { METHODS } from '../../src/methods/index.js'
import type { Method } from '../../src/methods/method.js'

/** The methods that networks of convolutions have; others want attention. */
export const ON_CONVOLUTIONS: readonly Method[] = METHODS.filter((m) => m.family !== 'attention')

/** Few steps for methods that take hundreds by default and are not cheap ones; nothing for others. */
export function quick(method: Method): GivenOptions {
  return 'iterations' in method.options ? { iterations: 4 } : {}
}
