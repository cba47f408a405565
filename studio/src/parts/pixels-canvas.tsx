/** A canvas that shows pixels. */
import type { Pixels } from 'onnxplain/web'
import { useLayoutEffect, useRef } from 'preact/hooks'

interface PixelsCanvasProps {
  readonly pixels: Pixels
  /** For screen readers; undefined where words beside it say it. */
  readonly label?: string | undefined
  readonly class?: string
  /** Enlarged without smoothing, so that cells are seen. */
  readonly crisp?: boolean
}

export function PixelsCanvas({ pixels, label, class: name = '', crisp = false }: PixelsCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { width, height, data } = pixels
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d')
    context?.putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0)
  }, [data, width, height])
  return (
    <canvas
      ref={canvas}
      width={width}
      height={height}
      class={`${name}${crisp ? ' crisp' : ''}`}
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    />
  )
}
