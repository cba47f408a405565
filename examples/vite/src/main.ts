import { ExplainError, open } from 'onnxplain/web'

const [picture, state, map] = [
  find('picture', HTMLInputElement),
  find('state', HTMLElement),
  find('map', HTMLImageElement),
]

try {
  const model = await open(undefined, {
    onProgress: ({ step, loaded, total }) => say(total ? `${step}: ${Math.round((100 * loaded) / total)} %` : step),
  })
  say(`Ready: ${model.name} on ${model.runtime}.`)
  picture.addEventListener('change', () => explain().catch(tell))

  async function explain(): Promise<void> {
    const [file] = picture.files ?? []
    if (!file) return
    say('Looking ...')
    const explanation = await model.explain(file, { method: 'grad-cam' })
    URL.revokeObjectURL(map.src)
    map.src = URL.createObjectURL(await explanation.toBlob())
    map.alt = `What speaks for ${explanation.answer.label}`
    map.hidden = false
    const { label, probability } = explanation.answer
    // none where a model's answer is no class
    say(probability === null ? label : `${label}: ${(100 * probability).toFixed(1)} %`)
  }
} catch (error) {
  tell(error)
}

function say(text: string): void {
  state.textContent = text
}

function tell(error: unknown): void {
  if (!(error instanceof ExplainError)) throw error
  say(error.message)
}

function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new Error(`There is no ${id}`)
}
