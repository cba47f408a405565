/** The colour bar: always there where colours are, its ends in the map's own units. */
import { type Bar, barPixels, formatNumber } from 'onnxplain/web'
import { PixelsCanvas } from './pixels-canvas.js'

const SIZE = { width: 240, height: 8 }

export function ColourBar({ bar, what }: { readonly bar: Bar; readonly what: string }) {
  const signed = bar.kind === 'signed'
  return (
    <figure class="colour-bar">
      <PixelsCanvas pixels={barPixels(bar, SIZE.width, SIZE.height)} />
      <figcaption>
        <span>{formatNumber(bar.low)}</span>
        {signed && <span>0</span>}
        <span>
          {signed && bar.high > 0 ? '+' : ''}
          {formatNumber(bar.high)}
        </span>
      </figcaption>
      <p class="muted">{what}</p>
    </figure>
  )
}
