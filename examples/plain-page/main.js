import { open } from './onnxplain/dist/browser/index.js'

const [picture, state, map] = ['picture', 'state', 'map'].map((id) => document.getElementById(id))
const say = (text) => {
  state.textContent = text
}

async function explain(model) {
  const [file] = picture.files
  if (!file) return
  say('Looking ...')
  const explanation = await model.explain(file, { method: 'grad-cam' })
  URL.revokeObjectURL(map.src)
  map.src = URL.createObjectURL(await explanation.toBlob())
  map.alt = `What speaks for ${explanation.answer.label}`
  map.hidden = false
  say(`${explanation.answer.label}: ${(100 * explanation.answer.probability).toFixed(1)} %`)
}

try {
  const model = await open()
  say(`Ready: ${model.name} on ${model.runtime}.`)
  picture.addEventListener('change', () => explain(model).catch((error) => say(error.message)))
} catch (error) {
  say(error.message)
}
