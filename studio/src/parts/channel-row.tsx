/** The channels of a layer that weigh most, as small maps with their weights; a click shows one large. */
import { useSignal } from '@preact/signals'
import type { LayerChannel, LayerChannels } from 'onnxplain/web'
import { useMemo } from 'preact/hooks'
import { type ChannelMaps, channelMap, sharesInWords, shareText, signedText } from '../state/channel-maps.js'
import { ChannelDialog } from './channel-dialog.js'
import { useDesk } from './context.js'
import { moveAlong } from './move-along.js'
import { SeenMap } from './seen-map.js'

export function ChannelRow({ channels }: { readonly channels: ChannelMaps }) {
  const { studio } = useDesk()
  const open = useSignal<number | undefined>(undefined)
  const found = channels.found.value
  const fresh = channels.isFresh()
  const isOfThis = found !== undefined && found.question.subject === studio.subject.value
  if (isOfThis && fresh && 'problem' in found)
    return (
      <p class="layers-note">
        {found.problem.title}: {found.problem.what}. {found.problem.remedy}
      </p>
    )
  if (!isOfThis || !('answer' in found)) return <p class="layers-note">The channels of this layer …</p>
  const set = found.answer
  const { words } = sharesInWords(set)
  return (
    <>
      <ol class="thumbs" onKeyDown={moveAlong} aria-busy={!fresh} data-stale={!fresh}>
        {set.channels.map((channel, i) => (
          <li key={channel.index}>
            <ChannelThumb set={set} channel={channel} onPick={() => (open.value = i)} />
          </li>
        ))}
      </ol>
      <p class="layers-note">
        {set.channels.length} of the {set.count} channels of {set.layer}, those with the largest share for{' '}
        {set.answer.label}: {words} Each map is scaled to its own largest value.
      </p>
      {open.value !== undefined && <ChannelDialog set={set} open={open} />}
    </>
  )
}

interface ChannelThumbProps {
  readonly set: LayerChannels
  readonly channel: LayerChannel
  readonly onPick: () => void
}

function ChannelThumb({ set, channel, onPick }: ChannelThumbProps) {
  const { studio } = useDesk()
  const info = studio.methods.value.find((m) => m.id === 'grad-cam')
  const map = useMemo(() => info && channelMap(set, channel, info), [set, channel, info])
  const share = shareText(set, channel)
  const weight = signedText(channel.weight)
  return (
    <button
      type="button"
      class="thumb"
      aria-label={`Channel ${channel.index}, weight ${weight}, share ${share}; show it large`}
      title={`Channel ${channel.index}: weight ${weight}, share ${share}`}
      onClick={onPick}
    >
      {map && <SeenMap map={map} />}
      <span class="thumb-grid">#{channel.index}</span>
      <span class="thumb-share">{share}</span>
      <span class="thumb-weight">w {weight}</span>
    </button>
  )
}
