/** The picture, as large as it fits, with the map on it, beside it, or up to a line. */
import { useSignal } from '@preact/signals'
import type { Size } from 'onnxplain/web'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Subject } from '../state/studio.js'
import '../style/stage.css'
import { useDesk } from './context.js'
import { TrailCanvas } from './occlude-tool.js'
import { PixelsCanvas } from './pixels-canvas.js'
import { RegionList } from './region-list.js'
import { StageBar } from './stage-bar.js'
import { StageTools } from './stage-tools.js'

export function Stage() {
  const { studio } = useDesk()
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
  const odd = studio.shown.value?.explanation.diagnosis[0]
  return (
    <section class="stage" aria-label="Picture and map">
      <StageBar />
      <div class="stage-body">
        <div class="stage-frame" ref={frame}>
          {subject && <Sheets subject={subject} box={box.value} />}
          {!subject && <p class="stage-empty">Drop a picture here.</p>}
        </div>
        {studio.tool.value === 'region' && <RegionList />}
      </div>
      {odd && (
        <p class="stage-note">
          <strong>{odd.code}:</strong> {odd.message}
        </p>
      )}
    </section>
  )
}

function Sheets({ subject, box }: { readonly subject: Subject; readonly box: Size }) {
  const { studio } = useDesk()
  if (studio.arrangement.value !== 'beside') {
    const shown = fitted(subject.picture, box)
    return <Sheet subject={subject} shown={shown} withMap isFirst />
  }
  const row = { width: (box.width - GAP) / 2, height: box.height }
  const column = { width: box.width, height: (box.height - GAP) / 2 }
  const [inRow, inColumn] = [fitted(subject.picture, row), fitted(subject.picture, column)]
  const isRow = inRow.width >= inColumn.width
  const shown = isRow ? inRow : inColumn
  return (
    <div class={isRow ? 'sheets sheets-row' : 'sheets'}>
      <Sheet subject={subject} shown={shown} withMap={false} isFirst />
      <Sheet subject={subject} shown={shown} withMap isFirst={false} />
    </div>
  )
}

/** Between picture and map where they are side by side, in CSS pixels. */
const GAP = 8

interface SheetProps {
  readonly subject: Subject
  /** In CSS pixels. */
  readonly shown: Size
  readonly withMap: boolean
  /** The one that takes the keyboard. */
  readonly isFirst: boolean
}

function Sheet({ subject, shown, withMap, isFirst }: SheetProps) {
  const { studio, drawing } = useDesk()
  const dense = Math.min(2, devicePixelRatio)
  const size = drawing.sizeIn(subject, { width: shown.width * dense, height: shown.height * dense })
  return (
    <div class="sheet" style={{ width: `${shown.width}px`, height: `${shown.height}px` }}>
      <PixelsCanvas class="plain" pixels={drawing.picture(subject, size)} label={`The picture: ${subject.name}`} />
      {withMap && (
        <Wiped>
          {studio.tool.value === 'occlude' ? (
            <TrailCanvas subject={subject} size={size} />
          ) : (
            <MapCanvas subject={subject} size={size} />
          )}
        </Wiped>
      )}
      <StageTools subject={subject} shown={shown} isFirst={isFirst} withMap={withMap} />
    </div>
  )
}

/** Its own part, so that the map is not drawn again while the line moves. */
function Wiped({ children }: { readonly children: ComponentChildren }) {
  const { studio } = useDesk()
  const share = studio.arrangement.value === 'wipe' ? studio.wipe.value : 0
  return (
    <div class="heat" style={{ clipPath: `inset(0 0 0 ${share * 100}%)` }}>
      {children}
    </div>
  )
}

function MapCanvas({ subject, size }: { readonly subject: Subject; readonly size: Size }) {
  const { studio, drawing } = useDesk()
  const shown = studio.shown.value
  if (shown?.subject !== subject) return null
  const { explanation } = shown
  return (
    <PixelsCanvas
      pixels={drawing.draw(subject, explanation, size, studio.look.value).image}
      label={`${explanation.method.title} for ${explanation.answer.label}`}
    />
  )
}

/** The largest box of the picture's shape that fits, in CSS pixels; small pictures are enlarged. */
function fitted(picture: Size, box: Size): Size {
  const scale = Math.min(LARGEST, box.width / picture.width, box.height / picture.height)
  return {
    width: Math.max(1, Math.floor(picture.width * scale)),
    height: Math.max(1, Math.floor(picture.height * scale)),
  }
}

const LARGEST = 6
