/** The very numbers that the network is fed, as a picture: one of its pixels is one number a channel. */
import { rendition } from 'onnxplain/web'
import { useMemo } from 'preact/hooks'
import { useDesk } from './context.js'
import { formatNumber } from './numbers.js'
import { PixelsCanvas } from './pixels-canvas.js'

export function SeenByNetwork() {
  const { studio } = useDesk()
  const fed = studio.shown.value?.explanation.fed
  const spec = studio.view.value?.preprocessing
  const made = useMemo(() => {
    if (!fed || !spec) return undefined
    const { slices, note } = rendition(fed, fed.layout, spec)
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const v of fed.data) {
      if (v < low) low = v
      if (v > high) high = v
    }
    return { picture: slices[0], note, low, high }
  }, [fed, spec])
  if (!made?.picture || !fed) return <p class="muted">What the network sees is shown with the first map.</p>
  const { picture, note, low, high } = made
  return (
    <figure class="fed">
      <PixelsCanvas crisp pixels={picture} label="What the network sees" />
      <figcaption class="muted">
        What the network sees: {picture.width} × {picture.height} px, fed as {fed.dims.join(' × ')} numbers (
        {fed.layout}) from {formatNumber(low)} to {formatNumber(high)}. {note?.replace('The maps lie on', 'Drawn are')}
      </figcaption>
    </figure>
  )
}
