/** The samples of every rule and decomposition: an operator that has one but no sample does not compile. */
import type { DecomposedOperator } from '../../../src/passes/decompose.js'
import type { RuleOperator } from '../../../src/vjp/rules/index.js'
import type { Sample } from '../sample.js'
import { activation } from './activation.js'
import { control } from './control.js'
import { conv } from './conv.js'
import { einsum } from './einsum.js'
import { elementwise } from './elementwise.js'
import { indexing } from './indexing.js'
import { matmul } from './matmul.js'
import { norm } from './norm.js'
import { pool } from './pool.js'
<<<<<<< HEAD
import { quantise } from './quantise.js'
=======
import { recurrent } from './recurrent.js'
>>>>>>> cd9559d (Write LSTM, GRU and RNN out as a Scan over their cell)
import { reduce } from './reduce.js'
import { shape } from './shape.js'

/** By family; each has a file of PyTorch's gradients of its name. */
export const GROUPS = {
  elementwise,
  activation,
  conv,
  pool,
  norm,
  matmul,
  einsum,
  shape,
  indexing,
  reduce,
  control,
<<<<<<< HEAD
  quantise,
=======
  recurrent,
>>>>>>> cd9559d (Write LSTM, GRU and RNN out as a Scan over their cell)
}

export const SAMPLES = {
  ...GROUPS.elementwise,
  ...GROUPS.activation,
  ...GROUPS.control,
  ...GROUPS.conv,
  ...GROUPS.pool,
  ...GROUPS.norm,
  ...GROUPS.matmul,
  ...GROUPS.einsum,
  ...GROUPS.shape,
  ...GROUPS.indexing,
  ...GROUPS.reduce,
<<<<<<< HEAD
  ...GROUPS.quantise,
=======
  ...GROUPS.recurrent,
>>>>>>> cd9559d (Write LSTM, GRU and RNN out as a Scan over their cell)
} satisfies Readonly<Record<RuleOperator | DecomposedOperator, readonly Sample[]>>
