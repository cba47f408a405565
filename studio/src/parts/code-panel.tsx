/** Programs that run the compiled model with this model's own preprocessing. */
import { useSignal } from '@preact/signals'
import { pythonSnippet, typescriptSnippet } from 'onnxplain/web'
import { snippetOf, type Taken } from '../state/taking.js'
import { useDesk } from './context.js'

const LANGUAGES = [
  ['Python', pythonSnippet, 'onnxruntime, numpy and Pillow'],
  ['TypeScript', typescriptSnippet, 'Node, with onnxplain for the preprocessing and onnxruntime-node'],
] as const

export function CodePanel({ taken }: { readonly taken: Taken }) {
  const { studio } = useDesk()
  const chosen = useSignal<(typeof LANGUAGES)[number][0]>('Python')
  const copied = useSignal('')
  const subject = snippetOf(studio, taken)
  const language = LANGUAGES.find(([name]) => name === chosen.value)
  if (!subject || !language) return null
  const [name, write, needs] = language
  const text = write(subject)
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      copied.value = 'Copied.'
    } catch {
      copied.value = 'This browser does not let the page copy: mark the text, and copy it by hand.'
    }
  }
  return (
    <details class="fold code">
      <summary>
        <h2>Run it elsewhere</h2>
      </summary>
      <fieldset class="choice">
        <legend class="sr">Language</legend>
        {LANGUAGES.map(([title]) => (
          <label key={title}>
            <input
              type="radio"
              name="language"
              checked={chosen.value === title}
              onChange={() => {
                chosen.value = title
                copied.value = ''
              }}
            />
            {title}
          </label>
        ))}
      </fieldset>
      <p class="muted">
        Runs {subject.file}, the compiled model, by {needs}; class {subject.target.index} is {subject.target.label}.
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <section class="code-text" tabIndex={0} aria-label={`The program in ${name}`}>
        <pre>{text}</pre>
      </section>
      <div class="takes-buttons">
        <button type="button" class="button" onClick={() => void copy()}>
          Copy the program
        </button>
        <span class="takes-said" role="status">
          {copied.value}
        </span>
      </div>
    </details>
  )
}
