/** The network from edges to objects: the map at a few of its layers, a way to all of them, and the channels that weigh most. */
import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { channelMaps } from '../state/channel-maps.js'
import { layerMaps } from '../state/layer-maps.js'
import '../style/layers.css'
import { ChannelRow } from './channel-row.js'
import { useDesk } from './context.js'
import { LayerRow } from './layer-row.js'
import { LayerSearch } from './layer-search.js'

type Mode = 'layers' | 'channels'

const MODES: readonly (readonly [Mode, string])[] = [
  ['layers', 'Layers'],
  ['channels', 'Channels'],
]

export function LayerStrip() {
  const { studio, explaining } = useDesk()
  const mode = useSignal<Mode>('layers')
  const maps = useMemo(() => layerMaps(studio, explaining), [studio, explaining])
  const channels = useMemo(() => channelMaps(studio, () => mode.value === 'channels'), [studio, mode])
  useEffect(() => maps.follow(), [maps])
  useEffect(() => channels.follow(), [channels])
  const layers = studio.model.value?.inspect().layers ?? []
  return (
    <section class="layers" aria-label="Layers">
      <header class="layers-head">
        <fieldset class="layers-modes">
          <legend class="sr">What is shown of the network</legend>
          {MODES.map(([id, title]) => (
            <button
              key={id}
              type="button"
              class="layers-mode"
              aria-pressed={mode.value === id}
              onClick={() => {
                mode.value = id
              }}
            >
              {title}
            </button>
          ))}
        </fieldset>
        {layers.length > 0 && <LayerSearch layers={layers} />}
      </header>
      {studio.model.value && layers.length === 0 ? (
        <p class="layers-note">This network has no feature maps between the picture and its answer to explain at.</p>
      ) : mode.value === 'layers' ? (
        <LayerRow maps={maps} layers={layers} />
      ) : (
        <ChannelRow channels={channels} />
      )}
    </section>
  )
}
