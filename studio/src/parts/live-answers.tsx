/** The five best answers of the frame, which move along; a click holds the map to one of them. */
import type { ClassAnswer } from 'onnxplain/web'
import { useDesk } from './context.js'
import { percent } from './numbers.js'

const SHOWN = 5

export function LiveAnswers() {
  const { live } = useDesk()
  const frame = live.frame.value
  const held = live.held.value
  const answers = frame?.answers ?? []
  const best = answers.slice(0, SHOWN)
  const extra = answers.find((a) => a.index === held)
  const rows = extra && !best.includes(extra) ? [...best, extra] : best
  if (rows.length === 0) return null
  return (
    <section class="panel" aria-label="Answers">
      <h2>{held === undefined ? 'Explained: the best answer of each frame' : 'Explained: the class that is held'}</h2>
      <ul class="answer-list live-answers">
        {rows.map((a) => (
          <Row key={a.index} answer={a} shown={frame?.explanation.answer.index === a.index} />
        ))}
      </ul>
      {held !== undefined && (
        <button
          type="button"
          class="link"
          onClick={() => {
            live.held.value = undefined
          }}
        >
          Follow the best answer again
        </button>
      )}
    </section>
  )
}

function Row({ answer, shown }: { readonly answer: ClassAnswer; readonly shown: boolean }) {
  const { live } = useDesk()
  const held = live.held.value === answer.index
  return (
    <li class="answer">
      <button
        type="button"
        class="answer-pick"
        aria-pressed={shown}
        title={held ? 'Held; click to let go' : 'Hold the map to this class'}
        onClick={() => {
          live.held.value = held ? undefined : answer.index
        }}
      >
        <span class="answer-bar" aria-hidden="true">
          <meter class="meter" min={0} max={1} value={answer.probability} tabIndex={-1} />
        </span>
        <span class="answer-name">{answer.label}</span>
        <span class="answer-share">{percent(answer.probability)}</span>
        {held && <small class="live-held">held</small>}
      </button>
    </li>
  )
}
