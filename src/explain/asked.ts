/** Targets as runs take them: what they have in common, and the rows of their inputs. */
import { ExplainError } from '../core/errors.js'
import { sizeOf, type Tensor, tensor, zeros } from '../core/tensor.js'
import type { Answer } from '../targets/answer.js'
import type { TargetInput } from '../targets/append.js'
import { type Target, targetKind } from '../targets/index.js'
import type { InputRow, InputRows, TargetForm } from '../targets/target.js'

/** Targets of one form. */
export interface AskedForm {
  readonly form: TargetForm
  /** A row of each target's inputs. */
  readonly rows: readonly InputRows[]
  /** Where these targets are in the list they were taken from. */
  readonly places: readonly number[]
}

/** One target, as runs take it. */
export interface AskedTarget {
  readonly form: TargetForm
  readonly row: InputRows
}

export function askedOf(target: Target): AskedTarget {
  const kind = targetKind(target.kind)
  return { form: kind.form(target), row: kind.rows(target) }
}

/** The target at a place of a list. Throws `bad-option` where there is none. */
export function askedAt(targets: readonly Target[], place: number): AskedTarget {
  const target = targets[place]
  if (target) return askedOf(target)
  throw new ExplainError('bad-option', { what: `There is no target ${place}` })
}

/** Targets by their forms: each form is a plan of its own. */
export function byForm(targets: readonly Target[]): readonly AskedForm[] {
  const forms = new Map<string, { form: TargetForm; rows: InputRows[]; places: number[] }>()
  for (const [place, target] of targets.entries()) {
    const { form, row } = askedOf(target)
    const key = JSON.stringify(form)
    const of = forms.get(key) ?? { form, rows: [], places: [] }
    forms.set(key, of)
    of.rows.push(row)
    of.places.push(place)
  }
  return [...forms.values()]
}

/** True for a target whose score is read off the logits of a classifier. */
export function isOfLogits(target: Target, answer: Answer): boolean {
  return answer.kind === 'classes' && targetKind(target.kind).ofLogits !== undefined
}

/** The score of such a target. */
export function scoreOfLogits(target: Target, logits: Float32Array, answer: Answer): number {
  return targetKind(target.kind).ofLogits?.(target, logits, answer) ?? 0
}

/** What a plan's target inputs are fed for several targets, `count` rows: of fewer the first is repeated. */
export function targetFeeds(
  inputs: readonly TargetInput[],
  rows: readonly InputRows[],
  count = rows.length,
): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    inputs.map(({ name, role }) => {
      const filled = Array.from({ length: count }, (_, i) => rows[i]?.[role] ?? rows[0]?.[role])
      return [name, stacked(filled.filter((row) => row !== undefined))]
    }),
  )
}

/** Rows of one input as a tensor; short ones are filled up with -1. */
function stacked(rows: readonly InputRow[]): Tensor {
  const { type = 'int64', dims: first = [] } = rows[0] ?? {}
  const dims = first.map((_, axis) => Math.max(...rows.map((row) => row.dims[axis] ?? 0)))
  const size = sizeOf(dims)
  const data = zeros(type, rows.length * size)
  for (const [r, row] of rows.entries())
    for (let i = 0; i < size; i++) {
      const value = row.data[i] ?? -1
      if (data instanceof BigInt64Array) data[r * size + i] = BigInt(value)
      else if (data instanceof Float32Array) data[r * size + i] = value
    }
  return tensor(type, [rows.length, ...dims], data)
}
