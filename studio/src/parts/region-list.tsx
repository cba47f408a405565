/** The classes that a region speaks for, and those that it speaks against: a click explains one. */
import type { RegionMaps, Share } from '../state/regions.js'
import { useDesk } from './context.js'
import { formatNumber, scoreOf, signed } from './numbers.js'

export function RegionList() {
  const { studio, regions } = useDesk()
  const maps = regions.maps.value
  const shares = regions.shares.value
  const problem = regions.problem.value
  const region = regions.region.value
  const isHere = region !== undefined && region.subject === studio.subject.value
  const isPlace = isHere && region.box.x1 - region.box.x0 <= 1 && region.box.y1 - region.box.y0 <= 1
  return (
    <section class="region-list" aria-label="What this region speaks for">
      <h2>
        {!isHere
          ? 'Which classes does a place speak for?'
          : isPlace
            ? 'This place speaks for'
            : 'This rectangle speaks for'}
      </h2>
      {problem && (
        <p>
          {problem.what}. {problem.remedy}
        </p>
      )}
      {!isHere && !problem && <p class="muted">Click a place on the picture, or drag a rectangle.</p>}
      {isHere && !shares && !problem && <p class="muted">Asking the maps of the best answers …</p>}
      {shares?.length === 0 && <p>The network did not see this part of the picture.</p>}
      {shares && shares.length > 0 && <Shares shares={shares} />}
      <output class="sr" aria-live="polite">
        {studio.cursor.value?.by === 'keys' && shares
          ? shares
              .slice(0, 3)
              .map(({ answer, value }) => `${answer.label} ${signed(value)}`)
              .join(', ')
          : ''}
      </output>
      {maps && shares && shares.length > 0 && <p class="muted">{meaningOf(maps, isPlace)}</p>}
    </section>
  )
}

function Shares({ shares }: { readonly shares: readonly Share[] }) {
  const { studio } = useDesk()
  // one scale for all, so that bars can be compared
  const end = Math.max(...shares.flatMap(({ value, largest }) => [Math.abs(value), Math.abs(largest)])) || 1
  const shown = studio.shownAnswer.value?.index
  return (
    <ul>
      {shares.map(({ answer, value, largest }) => (
        <li key={answer.index}>
          <button
            type="button"
            class="share"
            title={answer.label}
            aria-pressed={shown === answer.index}
            onClick={() => {
              studio.target.value = answer.index
            }}
          >
            <span class="share-name">{answer.label}</span>
            <span class="share-value">
              {signed(value)} <small>of {formatNumber(largest)}</small>
            </span>
            <span class="share-bar" aria-hidden="true">
              <span class="share-length" style={lengthOf(value / end)} />
              <span class="share-most" style={{ left: `${50 + (50 * largest) / end}%` }} />
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}

/** From the middle: to the right for, to the left against. */
function lengthOf(share: number): { readonly left: string; readonly width: string } {
  return { left: `${50 + Math.min(0, share) * 50}%`, width: `${Math.abs(share) * 50}%` }
}

function meaningOf({ method, explanations }: RegionMaps, isPlace: boolean): string {
  const [first] = explanations
  const cells = first ? `${first.raw.dims.join(' × ')} cells of ${first.raw.layer}` : ''
  const what = isPlace ? 'The value of each class’ map at this place' : 'The mean of each class’ map over the rectangle'
  return `${what}, in the map’s own units, of the class’ ${first ? scoreOf(first.target) : 'logit'}: ${method.title} at ${cells}. Above 0 it speaks for the class, below 0 against it; behind “of”, and at the tick, the most that the map says anywhere. All bars share one scale. Asked are the ${explanations.length} best answers.`
}
