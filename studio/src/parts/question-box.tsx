/** What a model is asked about the picture, and how much each word of that counts for the answer that is shown. */
import { useEffect, useMemo } from 'preact/hooks'
import { weighedWords } from '../state/question-words.js'
import { useDesk } from './context.js'
import { signed } from './numbers.js'
import { TextForm } from './text-form.js'

export function QuestionBox() {
  const { studio, asking } = useDesk()
  const asked = studio.asked.value
  return (
    <div class="ask">
      <TextForm
        id="question"
        label="Question"
        button="Ask"
        placeholder="what is asked about the picture"
        text={studio.question.value}
        problem={asking.problem.value}
        onText={(text) => {
          studio.question.value = text
        }}
      />
      {asked ? <Words /> : <p class="muted">Nothing is explained before a question is asked: none is assumed.</p>}
    </div>
  )
}

function Words() {
  const { studio } = useDesk()
  const weights = useMemo(() => weighedWords(studio), [studio])
  useEffect(() => weights.follow(), [weights])
  const found = weights.found.value
  const isFresh = weights.isFresh()
  const words = found && 'answer' in found ? found.answer : []
  const most = Math.max(...words.map((w) => Math.abs(w.importance))) || 1
  const shown = studio.shown.value?.explanation.answer.label
  return (
    <>
      <ol class="weighed" aria-label="The words of the question" aria-busy={!isFresh}>
        {words.map(({ text, importance }, i) => (
          <li key={`${i} ${text}`} style={tintOf(importance / most)}>
            {text}
            <small>{signed(importance)}</small>
          </li>
        ))}
      </ol>
      {words.length > 0 && (
        <p class="muted">
          What each word adds to “{shown}”: its embedding times the gradient by it, in the logit’s units; below 0 it
          speaks against it.
        </p>
      )}
      {found && isFresh && 'problem' in found && <p class="muted">{found.problem.what}.</p>}
    </>
  )
}

/** Stronger where a word counts for more: the accent for it, the colour of trouble against it. */
function tintOf(share: number): { readonly background: string } {
  const colour = share < 0 ? '--bad' : '--accent'
  return { background: `color-mix(in srgb, var(${colour}) ${Math.round(Math.abs(share) * 45)}%, var(--ground))` }
}
