/** The brush: where it is, and what can be set of it. */
import type { Size } from 'onnxplain/web'
import type { Subject } from '../state/studio.js'
import { useDesk } from './context.js'
import { Outline } from './marks.js'

interface PaintMarksProps {
  readonly subject: Subject
  readonly shown: Size
}

export function PaintMarks({ subject, shown }: PaintMarksProps) {
  const { studio, painting } = useDesk()
  const cursor = studio.cursor.value
  if (cursor?.subject !== subject) return null
  const { picture } = subject
  const r = painting.radius.value * Math.max(picture.width, picture.height)
  const box = { x0: cursor.x - r, y0: cursor.y - r, x1: cursor.x + r, y1: cursor.y + r }
  return <Outline box={box} picture={picture} shown={shown} class="brush" />
}

export function PaintBar() {
  const { painting } = useDesk()
  const { smallest, largest } = painting.sizes
  return (
    <div class="stage-bar-tool">
      <label class="occlude-size">
        <span>Brush</span>
        <input
          type="range"
          min={smallest}
          max={largest}
          step={0.005}
          value={painting.radius.value}
          aria-valuetext={`${Math.round(painting.radius.value * 200)} % of the picture across`}
          onInput={(event) => {
            painting.radius.value = event.currentTarget.valueAsNumber
          }}
        />
      </label>
      <button type="button" class="button" disabled={!painting.painted.value} onClick={() => painting.clear()}>
        Clear what is painted
      </button>
    </div>
  )
}
