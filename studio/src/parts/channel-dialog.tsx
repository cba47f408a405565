/** One channel, large: where in the picture it is active, and what that is worth to the class. */
import type { Signal } from '@preact/signals'
import type { LayerChannels } from 'onnxplain/web'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { channelMap, shareText, signedText } from '../state/channel-maps.js'
import { ColourBar } from './bar.js'
import { useDesk } from './context.js'
import { scoreOf } from './numbers.js'
import { PixelsCanvas } from './pixels-canvas.js'

const BOX = { width: 960, height: 720 }

interface ChannelDialogProps {
  readonly set: LayerChannels
  /** The place of the channel that is shown; undefined closes. */
  readonly open: Signal<number | undefined>
}

export function ChannelDialog({ set, open }: ChannelDialogProps) {
  const { studio, drawing } = useDesk()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const place = Math.min(open.value ?? 0, set.channels.length - 1)
  const channel = set.channels[place]
  const subject = studio.subject.value
  const look = studio.look.value
  const info = studio.methods.value.find((m) => m.id === 'grad-cam')
  const drawn = useMemo(() => {
    if (!subject || !channel || !info) return undefined
    const { colormap, opacity } = look
    return drawing.draw(subject, channelMap(set, channel, info), drawing.sizeIn(subject, BOX), { colormap, opacity })
  }, [subject, channel, info, set, look, drawing])
  if (!channel || !drawn) return null
  const step = (by: number): void => {
    open.value = (place + by + set.channels.length) % set.channels.length
  }
  return (
    <dialog
      class="dialog channel-dialog"
      ref={dialog}
      aria-label={`Channel ${channel.index} of ${set.layer}`}
      onClose={() => {
        open.value = undefined
      }}
      onKeyDown={(event) => {
        if (event.key === 'ArrowRight') step(1)
        if (event.key === 'ArrowLeft') step(-1)
      }}
    >
      <PixelsCanvas class="channel-large" pixels={drawn.image} label={`Where channel ${channel.index} is active`} />
      <div class="channel-words">
        <h2>
          Channel {channel.index} of {set.layer}
        </h2>
        <p>
          Weight {signedText(channel.weight)}: the mean gradient of {set.answer.label}’s {scoreOf(set.target)} by this
          channel. Share {shareText(set, channel)}: weight times mean activation, which is what it adds to the mean of
          the Grad-CAM map.
        </p>
        <ColourBar bar={drawn.bar} what="Its activation at the layer, scaled to its own largest value." />
      </div>
      <div class="channel-actions">
        <button type="button" class="button" onClick={() => step(-1)}>
          Previous
        </button>
        <button type="button" class="button" onClick={() => step(1)}>
          Next
        </button>
        <span class="grow" />
        <button type="button" class="button strong" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  )
}
