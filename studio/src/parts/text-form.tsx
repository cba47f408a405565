/** A text that is typed and handed in as a whole, with what is wrong with it beside it. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Problem } from '../state/problem.js'

interface TextFormProps {
  readonly id: string
  readonly label: string
  /** undefined: Enter alone hands it in. */
  readonly button?: string
  readonly placeholder: string
  /** What is in use. */
  readonly text: string
  readonly problem: Problem | undefined
  readonly onText: (text: string) => void
}

export function TextForm({ id, label, button, placeholder, text, problem, onText }: TextFormProps) {
  const typed = useSignal(text)
  useEffect(() => {
    typed.value = text
  }, [text, typed])
  return (
    <form
      class="field text-form"
      onSubmit={(event) => {
        event.preventDefault()
        onText(typed.value)
      }}
    >
      <label class="field-name" for={id}>
        {label}
      </label>
      <span class="text-form-row">
        <input
          id={id}
          type="text"
          autocomplete="off"
          spellcheck={false}
          placeholder={placeholder}
          value={typed.value}
          aria-invalid={problem !== undefined}
          aria-describedby={problem && `${id}-bad`}
          onInput={(event) => {
            typed.value = event.currentTarget.value
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') typed.value = text
          }}
        />
        {button && (
          <button type="submit" class="button">
            {button}
          </button>
        )}
      </span>
      {problem && (
        <p class="field-bad" id={`${id}-bad`} role="alert">
          {problem.what}
          {/[.!?]$/.test(problem.what) ? '' : '.'} {problem.remedy}
        </p>
      )}
    </form>
  )
}
