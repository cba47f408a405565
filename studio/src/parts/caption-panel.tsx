/** The text about the picture, word by word: a click explains a word, and dragged or with Shift a phrase. */
import { useRef } from 'preact/hooks'
import type { WrittenText, WrittenWord } from '../state/studio.js'
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
          Click a word to see what it rests on; drag, or hold Shift, for a phrase. The bar below a word is its
          probability.
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
  const tokens = wordsOf(studio.wanted.value)
  const isChosen = ({ first, last }: WrittenWord): boolean =>
    tokens !== 'all' && tokens !== undefined && first >= tokens[0] && last <= tokens[1]
  const begin = words.findIndex(isChosen)
  /** Where a phrase begins that is being dragged, or extended by Shift. */
  const anchor = useRef<number | undefined>(undefined)
  const dragging = useRef(false)
  const list = useRef<HTMLFieldSetElement>(null)
  const choose = (from: number, to: number): void => {
    const ends = [words[from], words[to]].flatMap((w) => (w ? [w.first, w.last] : []))
    if (ends.length > 0) studio.target.value = phraseOf(Math.min(...ends), Math.max(...ends))
  }
  const pick = (i: number, extends_: boolean): void => {
    const from = extends_ ? (anchor.current ?? (begin < 0 ? undefined : begin)) : undefined
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
        aria-pressed={tokens === 'all'}
        title="The whole text: the logarithm of its probability"
        onClick={() => {
          anchor.current = undefined
          studio.target.value = 'word:*'
        }}
      >
        all
      </button>
      {words.map((word, i) => (
        <button
          key={i}
          type="button"
          class="chip"
          data-word={i}
          aria-pressed={isChosen(word)}
          title={`${word.text}: ${percent(word.probability)} of all that could stand here`}
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
          {word.text}
          <span class="chip-bar" aria-hidden="true" style={{ transform: `scaleX(${word.probability})` }} />
        </button>
      ))}
    </fieldset>
  )
}
