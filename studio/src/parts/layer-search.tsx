/** Any layer, by its name as Netron shows it. */
import { useSignal } from '@preact/signals'
import type { InspectedLayer } from 'onnxplain/web'
import { useDesk } from './context.js'
import { gridText } from './grid-text.js'

export function LayerSearch({ layers }: { readonly layers: readonly InspectedLayer[] }) {
  const { studio } = useDesk()
  const unknown = useSignal('')
  const usual = layers.find((l) => l.default)
  const shown = studio.layer.value ?? usual?.name ?? ''
  const choose = (text: string): void => {
    const wanted = text.trim()
    const found = layers.find((l) => l.name === wanted) ?? onlyOne(layers, wanted)
    unknown.value = found || wanted === '' ? '' : wanted
    if (found) studio.layer.value = found.default ? undefined : found.name
  }
  return (
    <div class="layer-search">
      {unknown.value === '' && (
        <span class="layer-now" title={shown}>
          {shown}
        </span>
      )}
      {unknown.value !== '' && (
        <span class="layer-unknown" role="alert">
          {layers.some((l) => l.name.includes(unknown.value))
            ? `Several layers have “${unknown.value}” in their names.`
            : `No layer is called “${unknown.value}”.`}
        </span>
      )}
      <label>
        <span class="sr">Find one of {layers.length} layers by its name</span>
        <input
          type="search"
          list="all-layers"
          spellcheck={false}
          autocomplete="off"
          placeholder={`find one of ${layers.length} layers …`}
          aria-invalid={unknown.value !== ''}
          onChange={(event) => {
            choose(event.currentTarget.value)
            if (unknown.value === '') event.currentTarget.value = ''
          }}
        />
      </label>
      <datalist id="all-layers">
        {layers.map((l) => (
          <option key={l.name} value={l.name}>
            {l.op} · {gridText(l.grid)}
            {l.default ? ' · default' : ''}
          </option>
        ))}
      </datalist>
    </div>
  )
}

/** The only layer with these letters in its name. */
function onlyOne(layers: readonly InspectedLayer[], text: string): InspectedLayer | undefined {
  const found = text === '' ? [] : layers.filter((l) => l.name.toLowerCase().includes(text.toLowerCase()))
  return found.length === 1 ? found[0] : undefined
}
