/** A field that finds a class by its name or number; empty, it offers the best answers. */
import { useSignal } from '@preact/signals'
import type { ClassAnswer } from 'onnxplain/web'
import { useRef } from 'preact/hooks'
import { search } from './answers.js'
import { percent } from './numbers.js'
import '../style/class-finder.css'

const OFFERED = 8

interface ClassFinderProps {
  /** For screen readers, and in the empty field. */
  readonly label: string
  /** All answers, best first. */
  readonly answers: readonly ClassAnswer[]
  /** Classes that are not offered. */
  readonly without: readonly number[]
  readonly onPick: (index: number) => void
}

export function ClassFinder({ label, answers: all, without, onPick }: ClassFinderProps) {
  const text = useSignal('')
  const open = useSignal(false)
  const box = useRef<HTMLElement>(null)
  const answers = all.filter((a) => !without.includes(a.index))
  const offered = (typed: string): readonly ClassAnswer[] =>
    typed.trim() === '' ? answers.slice(0, OFFERED) : search(answers, typed)
  const found = offered(text.value)
  const pick = (index: number): void => {
    text.value = ''
    open.value = false
    onPick(index)
    box.current?.querySelector('input')?.focus()
    // the field opens its list when it gets the focus
    open.value = false
  }
  const key = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (event.key === 'Escape' && open.value) {
      open.value = false
      event.stopPropagation()
    } else if (step !== 0) {
      open.value = true
      const places = [...(box.current?.querySelectorAll<HTMLElement>('input, button') ?? [])]
      places[places.indexOf(document.activeElement as HTMLElement) + step]?.focus()
      event.preventDefault()
    } else if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
      // of what stands in the field, which may not have been drawn yet
      const [first] = offered(event.target.value)
      if (first) pick(first.index)
      event.preventDefault()
    }
  }
  return (
    <search
      class="finder"
      ref={box}
      onKeyDown={key}
      onFocusOut={(event) => {
        if (!(event.relatedTarget instanceof Node && box.current?.contains(event.relatedTarget))) open.value = false
      }}
    >
      <input
        type="search"
        aria-label={label}
        placeholder={`${label} …`}
        disabled={answers.length === 0}
        value={text.value}
        onFocus={() => {
          open.value = true
        }}
        onInput={(event) => {
          text.value = event.currentTarget.value
          open.value = true
        }}
      />
      {open.value && (
        <ul class="finder-list">
          {found.map((a) => (
            <li key={a.index}>
              <button type="button" class="menu-item finder-item" onClick={() => pick(a.index)}>
                <span>{a.label}</span>
                <small>{percent(a.probability)}</small>
              </button>
            </li>
          ))}
          {found.length === 0 && <li class="finder-none muted">No other class is called so.</li>}
        </ul>
      )}
    </search>
  )
}
