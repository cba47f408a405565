/** The best answers as bars: a click explains one, its dot takes it into the comparison; any other class is found by its name. */
import { useSignal } from '@preact/signals'
import type { ClassAnswer } from 'onnxplain/web'
import { useEffect, useRef } from 'preact/hooks'
import { useDesk } from './context.js'
import { percent, points } from './numbers.js'
import { QuestionBox } from './question-box.js'

const SHOWN = 8
const FOUND = 12

export function Answers() {
  const { studio } = useDesk()
  const text = useSignal('')
  const answers = studio.answers.value
  const shown = studio.shownAnswer.value
  const isAsked = (studio.view.value?.texts.question.length ?? 0) > 0
  const found = search(answers, text.value)
  const best = answers.slice(0, SHOWN)
  const extra = shown && !best.some((a) => a.index === shown.index) ? [shown] : []
  const plain = [...best, ...extra]
  // what rises while something is covered is worth a row of its own
  const risen = studio.covered.value?.best
  const risers = risen && !plain.some((a) => a.index === risen.index) ? [risen.index] : []
  const rows = text.value.trim() === '' ? [...plain, ...answers.filter((a) => risers.includes(a.index))] : found
  return (
    <section class="answers" aria-label="Answers">
      {isAsked && <QuestionBox />}
      {(answers.length > 0 || !isAsked) && <h2>Answers</h2>}
      <ul class="answer-list" onKeyDown={moveFocus}>
        {rows.map((a) => (
          <Row key={a.index} answer={a} rank={answers.indexOf(a)} />
        ))}
      </ul>
      {answers.length > SHOWN && (
        <label class="find">
          <span class="sr">Find a class by its name or number</span>
          <input
            type="search"
            placeholder={`find one of ${answers.length} …`}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value
            }}
          />
        </label>
      )}
      {text.value.trim() !== '' && rows.length === 0 && <p class="muted">No class is called so.</p>}
      {answers.length > 0 && studio.model.value?.labels.length === 0 && (
        <p class="muted">This model brings no class names. Drop a file of labels to see them.</p>
      )}
    </section>
  )
}

function Row({ answer, rank }: { readonly answer: ClassAnswer; readonly rank: number }) {
  const { studio } = useDesk()
  const isShown = studio.shownAnswer.value?.index === answer.index
  const compared = studio.compared.value.includes(answer.index)
  const after = studio.covered.value?.after.get(answer.index)
  const pick = (): void => {
    studio.target.value = answer.index
  }
  const row = useRef<HTMLLIElement>(null)
  useEffect(() => {
    // on a phone the row of answers is wider than the page
    const list = row.current?.parentElement
    if (!isShown || !row.current || !list) return
    const { offsetLeft, offsetWidth } = row.current
    const left = offsetLeft - list.offsetLeft
    if (left < list.scrollLeft) list.scrollLeft = left
    else if (left + offsetWidth > list.scrollLeft + list.clientWidth)
      list.scrollLeft = left + offsetWidth - list.clientWidth
  }, [isShown])
  const compare = (): void => {
    const others = studio.compared.value.filter((c) => c !== answer.index)
    studio.compared.value = compared ? others : [...others, answer.index]
  }
  return (
    <li class="answer" ref={row}>
      <button type="button" class="answer-pick" aria-pressed={isShown} onClick={pick}>
        <span class="answer-bar" aria-hidden="true">
          <meter class="meter" min={0} max={1} value={after ? after.probability : answer.probability} tabIndex={-1} />
          {after && <span class="answer-before" style={{ left: `${answer.probability * 100}%` }} />}
        </span>
        <span class="answer-name">{answer.label}</span>
        <span class="answer-share">
          {after ? percent(answer.probability).replace(/ %$/, '') : percent(answer.probability)}
          {after && <Change from={answer.probability} to={after.probability} />}
        </span>
        {rank >= 0 && rank < 9 && <small class="answer-key">{rank + 1}</small>}
      </button>
      <label class="answer-dot" title={compared ? 'In the comparison' : 'Add to the comparison'}>
        <input type="checkbox" checked={compared} onChange={compare} />
        <span class="sr">Compare {answer.label}</span>
      </label>
    </li>
  )
}

/** What covering a part of the picture made of a probability. */
function Change({ from, to }: { readonly from: number; readonly to: number }) {
  return (
    <>
      <span aria-hidden="true"> → </span>
      <strong title={`${points(to - from)} while a part of the picture is covered`}>{percent(to)}</strong>
    </>
  )
}

/** Classes whose name has all the words, or whose number is one of them. */
export function search(answers: readonly ClassAnswer[], text: string): readonly ClassAnswer[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  return answers
    .filter((a) => words.every((w) => a.label.toLowerCase().includes(w) || String(a.index) === w))
    .slice(0, FOUND)
}

/** Arrow keys go from answer to answer. */
export function moveFocus(event: KeyboardEvent): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  const list = event.currentTarget
  if (step === 0 || !(list instanceof HTMLElement)) return
  const buttons = [...list.querySelectorAll<HTMLButtonElement>('.answer-pick')]
  const next = buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
  next.click()
}
