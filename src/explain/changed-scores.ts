/** The scores of several targets for copies of a picture that differ from it in one box each. */
import type { InputLayout } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import type { Square } from '../methods/covering.js'
import type { Changed } from '../methods/method.js'
import type { Answer } from '../targets/answer.js'
import type { Target } from '../targets/index.js'
import { byForm, isOfLogits, scoreOfLogits } from './asked.js'
import { wholes } from './changed.js'
import type { Feed } from './feed.js'
import type { Runner } from './runner.js'
import type { ReadOff } from './runs.js'

type ChangedScores = (
  feed: Feed,
  layout: InputLayout,
  groups: readonly (readonly Square[])[],
  other: Float32Array,
  size: number,
) => AsyncIterable<readonly Changed[]>

/** @param scores of whole pictures: what is asked where targets are of several forms, which no one run answers. */
export function changedScores(
  scores: (pictures: Tensor<'float32'>) => Promise<readonly Float32Array[]>,
  runner: Pick<Runner, 'changed'>,
  targets: readonly Target[],
  answer: Answer,
): ChangedScores {
  const plain = targets.filter((t) => isOfLogits(t, answer))
  const forms = byForm(targets.filter((t) => !isOfLogits(t, answer)))
  const [form] = forms
  const end: ReadOff | undefined =
    forms.length === 0 ? 'logits' : forms.length === 1 && plain.length === 0 ? form : undefined
  return async function* (feed, layout, groups, other, size) {
    if (end === undefined) {
      for (const boxes of groups)
        for (const run of wholes(layout, feed.pictures, boxes, other, size)) {
          const rows = await scores(run.pictures)
          yield run.boxes.map((box, i) => ({ box, scores: rows[i] ?? new Float32Array() }))
        }
      return
    }
    for await (const run of runner.changed(end, feed, groups, other, size))
      yield run.map(({ box, read }) => ({
        box,
        scores: end === 'logits' ? Float32Array.from(targets, (t) => scoreOfLogits(t, read, answer)) : read,
      }))
  }
}
