/** The samples of every rule: an operator that has a rule but no sample does not compile. */
import type { RuleOperator } from '../../../src/vjp/rules/index.js'
import type { Sample } from '../sample.js'
import { activation } from './activation.js'
import { conv } from './conv.js'
import { elementwise } from './elementwise.js'
import { indexing } from './indexing.js'
import { matmul } from './matmul.js'
import { norm } from './norm.js'
import { pool } from './pool.js'
import { reduce } from './reduce.js'
import { shape } from './shape.js'

export const SAMPLES = {
  ...elementwise,
  ...activation,
  ...conv,
  ...pool,
  ...norm,
  ...matmul,
  ...shape,
  ...indexing,
  ...reduce,
} satisfies Readonly<Record<RuleOperator, readonly Sample[]>>
