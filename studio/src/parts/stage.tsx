/** The picture, as large as it fits, with the map on it. */
import { useSignal } from '@preact/signals'
import type { Size } from 'onnxplain/web'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { useDesk } from './context.js'
import { PixelsCanvas } from './pixels-canvas.js'
import { StageTools } from './stage-tools.js'

export function Stage() {
  const { studio, drawing } = useDesk()
  const frame = useRef<HTMLDivElement>(null)
  const box = useSignal<Size>({ width: 640, height: 480 })
  useLayoutEffect(() => {
    const { current } = frame
    if (!current) return
    const watch = new ResizeObserver(([entry]) => {
      const { width = 0, height = 0 } = entry?.contentRect ?? {}
      if (width > 0 && height > 0) box.value = { width: Math.floor(width), height: Math.floor(height) }
    })
    watch.observe(current)
    return () => watch.disconnect()
  }, [box])
  const subject = studio.subject.value
  const shown = studio.shown.value
  const dense = Math.min(2, devicePixelRatio)
  const pixels = { width: box.value.width * dense, height: box.value.height * dense }
  const size = subject && drawing.sizeIn(subject, pixels)
  const odd = shown?.explanation.diagnosis[0]
  return (
    <section class="stage" aria-label="Picture and map">
      <div class="stage-frame" ref={frame}>
        {subject && size && (
          <div class="sheet" style={fitted(subject.picture, box.value)}>
            <PixelsCanvas
              class="plain"
              pixels={drawing.picture(subject, size)}
              label={`The picture: ${subject.name}`}
            />
            {shown && shown.subject === subject && (
              <div class="heat" style={{ clipPath: `inset(0 0 0 ${studio.wipe.value * 100}%)` }}>
                <PixelsCanvas
                  pixels={drawing.draw(subject, shown.explanation, size, studio.look.value).image}
                  label={`${shown.explanation.method.title} for ${shown.explanation.answer.label}`}
                />
              </div>
            )}
            <StageTools size={size} />
          </div>
        )}
        {!subject && <p class="stage-empty">Drop a picture here.</p>}
      </div>
      {odd && (
        <p class="stage-note">
          <strong>{odd.code}:</strong> {odd.message}
        </p>
      )}
    </section>
  )
}

/** The largest box of the picture's shape that fits, in CSS pixels; small pictures are enlarged. */
function fitted(picture: Size, box: Size): { readonly width: string; readonly height: string } {
  const scale = Math.min(LARGEST, box.width / picture.width, box.height / picture.height)
  return { width: `${Math.floor(picture.width * scale)}px`, height: `${Math.floor(picture.height * scale)}px` }
}

const LARGEST = 6
