/** A small map on the part of the picture that the network saw. */
import { crop, type Size } from 'onnxplain/web'
import { useMemo } from 'preact/hooks'
import type { PartialExplanation } from '../state/studio.js'
import { useDesk } from './context.js'
import { PixelsCanvas } from './pixels-canvas.js'

/** Twice the height that it is shown at. */
const HEIGHT = 112
const MOST_WIDTH = 2 * HEIGHT

export function SeenMap({ map }: { readonly map: PartialExplanation }) {
  const { studio, drawing } = useDesk()
  const subject = studio.subject.value
  const look = studio.look.value
  const pixels = useMemo(() => {
    if (!subject) return undefined
    const { picture } = subject
    const { seen } = map.heatmap
    const x0 = Math.max(0, seen.x0)
    const y0 = Math.max(0, seen.y0)
    const part = { width: Math.min(picture.width, seen.x1) - x0, height: Math.min(picture.height, seen.y1) - y0 }
    const scale = Math.min(1, HEIGHT / part.height, MOST_WIDTH / part.width)
    const size = scaled(picture, scale)
    const window = scaled(part, scale)
    const left = Math.min(Math.round(x0 * scale), size.width - window.width)
    const top = Math.min(Math.round(y0 * scale), size.height - window.height)
    return crop(drawing.draw(subject, map, size, look).image, left, top, window.width, window.height)
  }, [subject, map, look, drawing])
  return pixels ? <PixelsCanvas class="seen-map" pixels={pixels} /> : null
}

function scaled({ width, height }: Size, by: number): Size {
  return { width: Math.max(1, Math.round(width * by)), height: Math.max(1, Math.round(height * by)) }
}
