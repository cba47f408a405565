/** Results to keep: the picture with its map, the raw map, the compiled model, and programs that run it. */
import { useSignal } from '@preact/signals'
import { problemOf } from '../state/problem.js'
import { copyPicture, type PictureEnding, saveCompiled, savePicture, saveRaw, takenOf } from '../state/taking.js'
import { CodePanel } from './code-panel.js'
import { useDesk } from './context.js'
import { megabytes } from './numbers.js'
import '../style/panels.css'

const PICTURES: readonly (readonly [PictureEnding, string])[] = [
  ['png', 'PNG'],
  ['svg', 'SVG'],
  ['jpg', 'JPEG'],
]

export function TakeAway() {
  const { studio } = useDesk()
  const said = useSignal('')
  const failed = useSignal(false)
  const taken = takenOf(studio.shown.value)
  const model = studio.model.value
  const method = studio.methodInfo.value
  const look = studio.look.value
  const layer = studio.layer.value
  if (!model || !method) return null
  /** Does it, and says what came of it. */
  const work = (doing: string, make: () => Promise<string> | string): void => {
    said.value = doing
    failed.value = false
    const done = async (): Promise<void> => {
      try {
        said.value = await make()
      } catch (error) {
        const { what, remedy } = problemOf('', error)
        said.value = `That did not work: ${what}${/[.!?]$/.test(what) ? '' : '.'} ${remedy ?? ''}`
        failed.value = true
      }
    }
    void done()
  }
  const compiled = method.kind === 'compiled'
  return (
    <section class="panel">
      <h2>Take it away</h2>
      <div class="takes">
        <fieldset class="takes-buttons">
          <legend class="takes-name">Picture with map</legend>
          {PICTURES.map(([ending, title]) => (
            <button
              key={ending}
              type="button"
              class="button"
              disabled={!taken}
              onClick={() => taken && work('Drawing …', async () => `Saved ${await savePicture(taken, look, ending)}.`)}
            >
              {title}
            </button>
          ))}
          <button
            type="button"
            class="button"
            disabled={!taken}
            onClick={() =>
              taken &&
              work('Copying …', async () => {
                await copyPicture(taken, look)
                return 'The picture is on the clipboard.'
              })
            }
          >
            Copy
          </button>
        </fieldset>
        <fieldset class="takes-buttons">
          <legend class="takes-name">Raw map, signed</legend>
          <button
            type="button"
            class="button"
            disabled={!taken}
            onClick={() =>
              taken &&
              work('Saving …', () => `Saved ${saveRaw(taken)}: float32 [${taken.explanation.raw.dims.join(', ')}].`)
            }
          >
            NumPy .npy
          </button>
        </fieldset>
        <fieldset class="takes-buttons">
          <legend class="takes-name">Model with map inside</legend>
          <button
            type="button"
            class="button"
            disabled={!compiled}
            onClick={() =>
              work('Compiling …', async () => {
                const { name, bytes } = await saveCompiled(
                  model,
                  method,
                  { layer, options: studio.options.value },
                  studio.wanted.value,
                )
                return `Saved ${name}, ${megabytes(bytes)}.`
              })
            }
          >
            Compiled .onnx
          </button>
        </fieldset>
      </div>
      {!compiled && (
        <p class="muted">
          {method.title} is a loop of many runs, and cannot be compiled into a model; the other families of methods can.
        </p>
      )}
      <p class={failed.value ? 'takes-said bad' : 'takes-said'} role="status">
        {said.value}
      </p>
      {compiled && taken && <CodePanel taken={taken} />}
    </section>
  )
}
