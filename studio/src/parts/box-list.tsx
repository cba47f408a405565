/** What a detector found: a click explains a box, and its outline on the picture is told by pointing at it here. */
import { FOUND_FROM } from '../state/detecting.js'
import { moveFocus } from './answers.js'
import { ChoiceRow } from './choice-row.js'
import { useDesk } from './context.js'
import { percent } from './numbers.js'

export function BoxList() {
  const { studio, detecting } = useDesk()
  const found = studio.found.value
  const boxes = studio.boxes.value
  const problem = detecting.problem.value
  const from = studio.boxesFrom.value
  const hidden = (found?.length ?? 0) - (boxes?.length ?? 0)
  return (
    <section class="answers" aria-label="Boxes">
      <h2>What is found</h2>
      <label class="field">
        <span class="field-name">
          Sure by at least <output>{percent(from)}</output>
        </span>
        <input
          type="range"
          aria-label="Sure by at least"
          min={FOUND_FROM}
          max={0.95}
          step={0.01}
          value={from}
          onInput={(event) => {
            studio.boxesFrom.value = event.currentTarget.valueAsNumber
          }}
        />
      </label>
      {problem && (
        <p role="alert">
          {problem.what}. {problem.remedy}
        </p>
      )}
      {!boxes && !problem && <p class="muted">Looking …</p>}
      <ul class="answer-list" onKeyDown={moveFocus}>
        {boxes?.map(({ label, score }, i) => (
          <ChoiceRow
            key={i}
            name={label}
            share={score}
            rank={i}
            wanted={`box:${i}`}
            isShown={studio.wanted.value === `box:${i}`}
            onPick={() => {
              studio.target.value = `box:${i}`
            }}
          />
        ))}
      </ul>
      {boxes && (
        <p class="muted">
          {boxes.length === 0 ? 'No box is as sure as that.' : 'Click a box on the picture, or here.'}
          {hidden > 0 ? ` ${hidden} less sure ${hidden === 1 ? 'one is' : 'ones are'} hidden.` : ''}
        </p>
      )}
    </section>
  )
}
