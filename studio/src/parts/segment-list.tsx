/** The classes that a segmentation network sees, by how much of the picture they cover: a click explains one, where it is seen or where it was painted. */
import { paintedClass } from '../state/painting.js'
import { moveFocus } from './answers.js'
import { ChoiceRow } from './choice-row.js'
import { useDesk } from './context.js'
import { percent } from './numbers.js'

export function SegmentList() {
  const { studio, detecting, painting } = useDesk()
  const seen = studio.segmented.value?.seen
  const problem = detecting.problem.value
  const painted = painting.painted.value
  const wanted = studio.wanted.value
  const shown = (index: number): boolean => wanted === `region:${index}` || paintedClass(wanted) === index
  return (
    <section class="answers" aria-label="Regions">
      <h2>What is seen</h2>
      {problem && (
        <p role="alert">
          {problem.what}. {problem.remedy}
        </p>
      )}
      {!seen && !problem && <p class="muted">Looking …</p>}
      <ul class="answer-list" onKeyDown={moveFocus}>
        {seen?.map(({ index, label, share }, i) => (
          <ChoiceRow
            key={index}
            name={label}
            share={share}
            rank={i}
            wanted={`region:${index}`}
            isShown={shown(index)}
            onPick={() => {
              if (painted) painting.explain(index)
              else studio.target.value = `region:${index}`
            }}
          />
        ))}
      </ul>
      {painted ? (
        <p>
          Explained within what is painted, {percent(painting.share.value)} of what the network sees.{' '}
          <button type="button" class="link" onClick={() => painting.clear()}>
            Clear it
          </button>
        </p>
      ) : (
        <p class="muted">
          Click a class here or on the picture: it is explained wherever the network sees it. “Paint” explains a region
          of your own.
        </p>
      )}
    </section>
  )
}
