/** A model whose answer has no parts to choose from: numbers, or an embedding. What of it is explained has to be named. */
import { moveFocus } from './answers.js'
import { ChoiceRow } from './choice-row.js'
import { useDesk } from './context.js'
import { TextForm } from './text-form.js'

/** Of the model's own labels, which are texts. */
const SHOWN = 8

export function NamedPanel() {
  const { studio, explaining } = useDesk()
  const answer = studio.view.value?.answer
  if (!answer) return null
  const shape = answer.dims.map((d) => d ?? '?').join(', ')
  const score = studio.shown.value?.explanation.answer
  const target = studio.target.value
  const places = answer.dims.slice(1)
  const first =
    places.length > 0 ? `neuron:${answer.logits}[${places.map(() => 0)}]` : `expression:sum(${answer.logits})`
  const isEmbedding = answer.kind === 'embedding'
  return (
    <section class="answers" aria-label="Answers">
      <h2>{isEmbedding ? 'An embedding' : 'Numbers'}</h2>
      <p>
        This model answers with {answer.classes} number{answer.classes === 1 ? '' : 's'}: {answer.output} [{shape}].
      </p>
      {isEmbedding && studio.view.value?.texts.likeness && (
        <TextForm
          id="similar"
          label="Explain how like it is to a text"
          button="Explain"
          placeholder="a photo of a cat"
          text={typeof target === 'string' && target.startsWith('text:') ? target.slice('text:'.length) : ''}
          problem={explaining.refused.value}
          onText={(text) => {
            studio.target.value = text.trim() === '' ? undefined : `text:${text.trim()}`
          }}
        />
      )}
      {score && studio.answers.value.length > 0 && (
        <ul class="answer-list" onKeyDown={moveFocus}>
          {studio.answers.value.slice(0, SHOWN).map(({ index, label, probability }, i) => (
            <ChoiceRow
              key={index}
              name={label}
              share={probability}
              rank={i}
              wanted={`text:${label}`}
              isShown={target === `text:${label}`}
              onPick={() => {
                studio.target.value = `text:${label}`
              }}
            />
          ))}
        </ul>
      )}
      {score && target !== undefined && (
        <p role="status">
          {score.label}: <strong>{Number(score.logit.toPrecision(4))}</strong>
        </p>
      )}
      {target === undefined && (
        <p class="muted">
          Nothing is explained until it is named under “What is explained”, such as{' '}
          <button
            type="button"
            class="link"
            onClick={() => {
              studio.target.value = first
            }}
          >
            {places.length > 0 ? 'its first number' : 'its number'}
          </button>
          .
        </p>
      )}
    </section>
  )
}
