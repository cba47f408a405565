/** Thumbnails of the map at a few layers, from the picture to the answer. */
import type { InspectedLayer, WebExplanation } from 'onnxplain/web'
import { type LayerAnswer, type LayerMaps, ofLayers, shownLayers } from '../state/layer-maps.js'
import { useDesk } from './context.js'
import { gridText } from './grid-text.js'
import { moveAlong } from './move-along.js'
import { percent } from './numbers.js'
import { SeenMap } from './seen-map.js'

interface LayerRowProps {
  readonly maps: LayerMaps
  readonly layers: readonly InspectedLayer[]
}

export function LayerRow({ maps, layers }: LayerRowProps) {
  const { studio } = useDesk()
  const model = studio.model.value
  if (!model) return <p class="layers-note">No model yet.</p>
  const chosen = studio.layer.value ?? layers.find((l) => l.default)?.name
  const few = shownLayers(model)
  const row = layers.filter((l) => few.includes(l) || l.name === chosen)
  const found = maps.found.value
  // of another picture nothing is left standing
  const isOfThis = found !== undefined && found.question.subject === studio.subject.value
  const answer = isOfThis && 'answer' in found ? found.answer : undefined
  const fresh = maps.isFresh()
  return (
    <>
      <ol class="thumbs" onKeyDown={moveAlong} aria-busy={!fresh} data-stale={!fresh}>
        {row.map((layer) => (
          <Thumb key={layer.name} layer={layer} isShown={layer.name === chosen} answer={answer} />
        ))}
        <End />
      </ol>
      <Note maps={maps} answer={answer} />
    </>
  )
}

interface ThumbProps {
  readonly layer: InspectedLayer
  readonly isShown: boolean
  readonly answer: LayerAnswer | undefined
}

function Thumb({ layer, isShown, answer }: ThumbProps) {
  const { studio } = useDesk()
  const map = answer?.maps.get(layer.name) ?? shownAt(studio.shown.value?.explanation, layer, answer)
  const refusal = answer?.refused.get(layer.name)
  const grid = gridText(map?.raw.dims ?? layer.grid)
  const kind = layer.others ? `${layer.op}, tokens` : layer.op
  const pick = (): void => {
    const shown = studio.methodInfo.value
    studio.layer.value = layer.default ? undefined : layer.name
    // where the method that is shown has no map at this layer, the one of the thumbnail is shown
    const other = answer && shown && answer.method.id !== shown.id && (ofLayers(shown) || !hasLayer(shown))
    if (other) studio.method.value = answer.method.id
  }
  return (
    <li>
      <button
        type="button"
        class="thumb"
        aria-pressed={isShown}
        aria-label={`Layer ${layer.name}, ${grid}${layer.default ? ', the default' : ''}${refusal ? `, no map: ${refusal}` : ''}`}
        title={`${layer.name} (${kind}, ${grid})${layer.default ? ': the default layer' : ''}${refusal ? `\n${refusal}` : ''}`}
        onClick={pick}
      >
        {map ? <SeenMap map={map} /> : <span class="thumb-empty" data-says={refusal ? 'none' : '…'} />}
        <span class="thumb-grid">
          {grid}
          {layer.default && <span class="thumb-default" aria-hidden="true" />}
        </span>
      </button>
    </li>
  )
}

/** The map on the stage, where it is the one of this layer. */
function shownAt(
  explanation: WebExplanation | object | undefined,
  layer: InspectedLayer,
  answer: LayerAnswer | undefined,
): WebExplanation | undefined {
  if (!answer || !explanation || !('toBlob' in explanation)) return undefined
  const isThis = explanation.raw.layer === layer.name && explanation.method.id === answer.method.id
  return isThis ? explanation : undefined
}

function hasLayer(method: LayerAnswer['method']): boolean {
  return method.atLayer
}

/** Where the network leads. */
function End() {
  const { studio } = useDesk()
  const answer = studio.shown.value?.explanation.answer
  if (!answer) return null
  return (
    <li class="thumbs-end">
      <span aria-hidden="true">→</span> {answer.label}
      {answer.probability !== null && <small>{percent(answer.probability)}</small>}
    </li>
  )
}

/** What has to be known of the row. */
function Note({ maps, answer }: { readonly maps: LayerMaps; readonly answer: LayerAnswer | undefined }) {
  const { studio } = useDesk()
  const found = maps.found.value
  const words: string[] = []
  if (found && 'problem' in found && maps.isFresh()) {
    const { title, what, operators } = found.problem
    words.push(`${title}: ${what}${operators.length > 0 ? `; no backward rule for ${operators.join(', ')}` : ''}.`)
  }
  const method = studio.methodInfo.value
  if (answer && method && answer.method.id !== method.id)
    words.push(
      hasLayer(method) && ofLayers(method)
        ? `${method.title} has no maps at inner layers: these are of ${answer.method.title}.`
        : `These are maps of ${answer.method.title}: ${method.title} lies on the pixels of the input.`,
    )
  const refused = answer ? [...new Set(answer.refused.values())] : []
  const [reason] = refused
  if (reason)
    words.push(
      `${answer?.refused.size === 1 ? 'One layer has' : `${answer?.refused.size} layers have`} no map: ${reason}.`,
    )
  return words.length > 0 ? <p class="layers-note">{words.join(' ')}</p> : null
}
