/** A part of the answer in a list: a bar, a name, a share and its key; a click explains it. */
import type { Wanted } from '../state/wanted.js'
import { useDesk } from './context.js'
import { percent } from './numbers.js'

interface ChoiceRowProps {
  readonly name: string
  /** 0 to 1. */
  readonly share: number
  /** Its place in the list, from 0. */
  readonly rank: number
  readonly wanted: Wanted
  readonly isShown: boolean
  readonly onPick: () => void
}

export function ChoiceRow({ name, share, rank, wanted, isShown, onPick }: ChoiceRowProps) {
  const { detecting } = useDesk()
  const point = (at: Wanted | undefined) => (): void => {
    detecting.pointed.value = at
  }
  return (
    <li class="answer" onPointerEnter={point(wanted)} onPointerLeave={point(undefined)}>
      <button
        type="button"
        class="answer-pick"
        aria-pressed={isShown}
        onClick={onPick}
        onFocus={point(wanted)}
        onBlur={point(undefined)}
      >
        <span class="answer-bar" aria-hidden="true">
          <meter class="meter" min={0} max={1} value={share} tabIndex={-1} />
        </span>
        <span class="answer-name">{name}</span>
        <span class="answer-share">{percent(share)}</span>
        {rank < 9 && <small class="answer-key">{rank + 1}</small>}
      </button>
    </li>
  )
}
