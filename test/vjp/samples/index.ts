/** The samples of every rule and decomposition: an operator that has one but no sample does not compile. */
import type { DecomposedOperator } from '../../../src/passes/decompose.js'
import type { RuleOperator } from '../../../src/vjp/rules/index.js'
import type { Sample } from '../sample.js'
import { activation } from './activation.js'
import { attention } from './attention.js'
import { contrib } from './contrib.js'
import { contribAttention } from './contrib-attention.js'
import { control } from './control.js'
import { conv } from './conv.js'
import { einsum } from './einsum.js'
import { elementwise } from './elementwise.js'
import { generate } from './generate.js'
import { indexing } from './indexing.js'
import { loss } from './loss.js'
import { matmul } from './matmul.js'
import { norm } from './norm.js'
import { pool } from './pool.js'
import { quantise } from './quantise.js'
import { recurrent } from './recurrent.js'
import { reduce } from './reduce.js'
import { resize } from './resize.js'
import { sampling } from './sampling.js'
import { shape } from './shape.js'
import { signal } from './signal.js'

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
  quantise,
  recurrent,
  attention,
  signal,
  loss,
  generate,
  resize,
  sampling,
  contrib,
  contribAttention,
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
  ...GROUPS.attention,
  ...GROUPS.signal,
  ...GROUPS.loss,
  ...GROUPS.generate,
  ...GROUPS.shape,
  ...GROUPS.indexing,
  ...GROUPS.reduce,
  ...GROUPS.quantise,
  ...GROUPS.recurrent,
  ...GROUPS.resize,
  ...GROUPS.sampling,
  ...GROUPS.contrib,
  ...GROUPS.contribAttention,
} satisfies Readonly<Record<RuleOperator | DecomposedOperator, readonly Sample[]>>
