/** The text about the picture, word by word: a click explains a word, and dragged or with Shift a phrase. */
import { useRef } from 'preact/hooks'
import type { WrittenText } from '../state/studio.js'
import { phraseOf, wordsOf } from '../state/wanted.js'
import { useDesk } from './context.js'
import { percent } from './numbers.js'
import { TextForm } from './text-form.js'

export function CaptionPanel() {
  const { studio, writing } = useDesk()
  const written = studio.written.value
  const isWriting = studio.working.value?.cancel === writing.cancel
  return (
    <section class="answers" aria-label="Caption">
      <h2>{written?.isOwn ? 'A text of your own' : 'What the model writes'}</h2>
      {written ? (
        <Chips written={written} />
      ) : (
        <p class="caption-begun" aria-live="polite">
          {writing.begun.value}
          {isWriting ? ' …' : ''}
        </p>
      )}
      {!written && !isWriting && studio.subject.value && (
        <button type="button" class="button" onClick={() => writing.again()}>
          Write a caption
        </button>
      )}
      {written && (
        <p class="muted">
          Click a word to see what it rests on; drag, or hold Shift, for a phrase.{' '}
          {!written.isOwn && 'The bar below a word is its probability.'}
        </p>
      )}
      <TextForm
        id="caption"
        label="Explain another text"
        button="Explain"
        placeholder={written && !written.isOwn ? written.text : 'a text about the picture'}
        text={studio.ownCaption.value ?? ''}
        problem={writing.problem.value}
        onText={(text) => {
          studio.target.value = undefined
          studio.ownCaption.value = text.trim() === '' ? undefined : text
        }}
      />
      {studio.ownCaption.value !== undefined && (
        <button
          type="button"
          class="link"
          onClick={() => {
            studio.target.value = undefined
            studio.ownCaption.value = undefined
          }}
        >
          The model’s own caption again
        </button>
      )}
    </section>
  )
}

function Chips({ written }: { readonly written: WrittenText }) {
  const { studio } = useDesk()
  const { words } = written
  const chosen = wordsOf(studio.wanted.value)
  /** Where a phrase begins that is being dragged, or extended by Shift. */
  const anchor = useRef<number | undefined>(undefined)
  const dragging = useRef(false)
  const list = useRef<HTMLFieldSetElement>(null)
  const choose = (from: number, to: number): void => {
    studio.target.value = phraseOf(from, to)
  }
  const pick = (i: number, extends_: boolean): void => {
    const from = extends_ ? (anchor.current ?? (chosen === 'all' ? undefined : chosen?.[0])) : undefined
    if (from === undefined) anchor.current = i
    choose(from ?? i, i)
  }
  const chipAt = (event: PointerEvent): number | undefined => {
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest('[data-word]')
    return under && list.current?.contains(under) ? Number(under.getAttribute('data-word')) : undefined
  }
  const move = (event: PointerEvent): void => {
    if (!dragging.current || event.buttons === 0) return
    const at = chipAt(event)
    if (at !== undefined && anchor.current !== undefined && at !== anchor.current) choose(anchor.current, at)
  }
  const keys = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    const chips = [...(list.current?.querySelectorAll<HTMLButtonElement>('[data-word]') ?? [])]
    const next = chips[chips.indexOf(document.activeElement as HTMLButtonElement) + step]
    if (step === 0 || !next) return
    event.preventDefault()
    next.focus()
    pick(Number(next.dataset.word), event.shiftKey)
  }
  return (
    <fieldset
      class="chips"
      ref={list}
      onKeyDown={keys}
      onPointerMove={move}
      onPointerUp={() => {
        dragging.current = false
      }}
    >
      <legend class="sr">The words of the text</legend>
      <button
        type="button"
        class="chip chip-all"
        aria-pressed={chosen === 'all'}
        title="The whole text: the logarithm of its probability"
        onClick={() => {
          anchor.current = undefined
          studio.target.value = 'word:*'
        }}
      >
        all
      </button>
      {words.map(({ piece, probability }, i) => (
        <button
          key={i}
          type="button"
          class="chip"
          data-word={i}
          aria-pressed={chosen !== 'all' && chosen !== undefined && i >= chosen[0] && i <= chosen[1]}
          title={probability === undefined ? undefined : `${piece}: ${percent(probability)} of all words here`}
          onPointerDown={(event) => {
            if (event.button !== 0 || event.shiftKey) return
            dragging.current = true
            anchor.current = i
            // a finger then moves over the other words
            if (event.currentTarget.hasPointerCapture(event.pointerId))
              event.currentTarget.releasePointerCapture(event.pointerId)
          }}
          onClick={(event) => pick(i, event.shiftKey)}
        >
          {piece}
          {probability !== undefined && (
            <span class="chip-bar" aria-hidden="true" style={{ transform: `scaleX(${probability})` }} />
          )}
        </button>
      ))}
    </fieldset>
  )
}
