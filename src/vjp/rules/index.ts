/** Every backward rule, by operator. */
import { activation } from './activation.js'
import { attention } from './attention.js'
import { control } from './control.js'
import { conv } from './conv.js'
import { einsum } from './einsum.js'
import { elementwise } from './elementwise.js'
import { generate } from './generate.js'
import { indexing } from './indexing.js'
import { matmul } from './matmul.js'
import { norm } from './norm.js'
import { pool } from './pool.js'
import { quantise } from './quantise.js'
import { reduce } from './reduce.js'
import { regions } from './regions.js'
import { resizing } from './resize.js'
import { sampling } from './sampling.js'
import { shape } from './shape.js'
import { signal } from './signal.js'

export { QUANTIZERS } from './quantise.js'
export { ZERO_GRADIENT } from './zero.js'

export const RULES = {
  ...elementwise,
  ...activation,
  ...control,
  ...conv,
  ...pool,
  ...norm,
  ...matmul,
  ...einsum,
  ...attention,
  ...signal,
  ...generate,
  ...shape,
  ...indexing,
  ...reduce,
  ...quantise,
  ...resizing,
  ...sampling,
  ...regions,
}

/** An operator that has a rule. */
export type RuleOperator = keyof typeof RULES
