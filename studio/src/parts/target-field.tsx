/** What is explained, as text: what was chosen elsewhere on the page, or anything else that a target can be. */
import { wantedOf } from '../state/wanted.js'
import { useDesk } from './context.js'
import { TextForm } from './text-form.js'

export function TargetField() {
  const { studio, explaining } = useDesk()
  const wanted = studio.wanted.value
  const label = studio.answers.value.find((a) => a.index === wanted)?.label
  const text = typeof wanted === 'number' ? `class:${label ?? wanted}` : (wanted ?? '')
  return (
    <section class="panel">
      <TextForm
        id="target"
        label="What is explained"
        placeholder="class:NAME, neuron:VALUE[0], …"
        text={text}
        problem={explaining.refused.value}
        onText={(typed) => {
          studio.target.value = wantedOf(typed, studio)
        }}
      />
      <details class="hint">
        <summary class="muted">How targets are written</summary>
        <ul class="muted">
          {EXAMPLES.map(([example, says]) => (
            <li key={example}>
              <code>{example}</code> {says}
            </li>
          ))}
        </ul>
      </details>
    </section>
  )
}

const EXAMPLES = [
  ['class:tiger cat', 'a class by its name or number'],
  ['contrast:cat>dog', 'one class rather than another'],
  ['counterfactual:cat', 'what speaks against a class'],
  ['word:3', 'word:2-4, word:* of a text'],
  ['region:2@40,60', 'a class at a place of a segmentation'],
  ['box:0', 'the best box of a detector'],
  ['neuron:VALUE[0,5,3,4]', 'one number of any value'],
  ['expression:logits[3]-logits[5]', 'a sum of such'],
] as const
