/** The table of the comparison: each cell a map with its colour bar, or the reason why there is none. */
import { batch, useSignal } from '@preact/signals'
import { barPixels, type ClassAnswer, formatNumber, type MethodInfo, type Size, takenAt } from 'onnxplain/web'
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { Cell } from '../state/comparing.js'
import type { Subject } from '../state/studio.js'
import { type Desk, useDesk } from './context.js'
import { percent } from './numbers.js'
import { PixelsCanvas } from './pixels-canvas.js'

/** CSS pixels. */
const WIDTH = { smallest: 148, largest: 300, head: 132, headOfPhone: 92, gap: 12 }
const PHONE = 700

export function CompareTable() {
  const { studio, comparing } = useDesk()
  const frame = useRef<HTMLDivElement>(null)
  const room = useSignal(1000)
  useLayoutEffect(() => {
    const { current } = frame
    if (!current) return
    const watch = new ResizeObserver(([entry]) => {
      if (entry) room.value = entry.contentRect.width
    })
    watch.observe(current)
    return () => watch.disconnect()
  }, [room])
  comparing.changed.value
  const subject = studio.subject.value
  const rows = comparing.rows.value
  const columns = comparing.columns.value
  const head = innerWidth <= PHONE ? WIDTH.headOfPhone : WIDTH.head
  const free = (room.value - head) / (columns.length + 1) - WIDTH.gap
  const width = Math.round(Math.min(WIDTH.largest, Math.max(WIDTH.smallest, free)))
  return (
    <section class="compare-frame" ref={frame} aria-label="Comparison">
      {subject && rows.length > 0 ? (
        <table class="compare-table">
          <caption class="sr">
            What the network looked at in {subject.name}: a row for each class, a column for each method
          </caption>
          <thead>
            <tr>
              <td style={{ width: `${head}px` }} />
              <th scope="col" style={{ width: `${width + WIDTH.gap}px` }}>
                Picture
              </th>
              {columns.map((m) => (
                <ColumnHead key={m.id} method={m} width={width} rows={rows} />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.index}>
                <RowHead row={row} removable={rows.length > 1} />
                <td>
                  <ThePicture subject={subject} width={width} />
                </td>
                {columns.map((m) => (
                  <td key={m.id}>
                    <Place subject={subject} method={m} row={row} width={width} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <Nothing />
      )}
      {rows.length > 0 && columns.length === 0 && (
        <p class="compare-words">No method is chosen: tick some of those above.</p>
      )}
    </section>
  )
}

/** What is said while there are no rows. */
function Nothing() {
  const { studio, comparing } = useDesk()
  const words = !studio.subject.value
    ? 'Drop a picture here.'
    : !studio.model.value
      ? 'The maps come when the model is there.'
      : comparing.isFinding
        ? 'Looking for the best answer, and for one that rests on another part of the picture …'
        : 'No classes are chosen.'
  const stopped = words.startsWith('No classes')
  return (
    <p class="compare-words">
      {words}{' '}
      {stopped && (
        <button type="button" class="link" onClick={() => comparing.again()}>
          Find the usual two
        </button>
      )}
    </p>
  )
}

interface ColumnHeadProps {
  readonly method: MethodInfo
  readonly width: number
  readonly rows: readonly ClassAnswer[]
}

function ColumnHead({ method, width, rows }: ColumnHeadProps) {
  const { comparing } = useDesk()
  comparing.changed.value
  const count = comparing.count(method)
  const cells = rows.map((row) => comparing.cell(method, row))
  const stopped = cells.some((c) => c.kind === 'stopped')
  const made = cells.find((c) => c.kind === 'map')
  const note = made && takenAt(made.explanation)
  return (
    <th scope="col" style={{ width: `${width + WIDTH.gap}px` }}>
      {method.title}
      {count ? (
        <small class="compare-note">
          {count.done} of {count.total} runs{' '}
          <button
            type="button"
            class="link"
            aria-label={`Cancel ${method.title}`}
            onClick={() => comparing.stop(method)}
          >
            Cancel
          </button>
        </small>
      ) : stopped ? (
        <small class="compare-note">
          Cancelled{' '}
          <button
            type="button"
            class="link"
            aria-label={`Compute ${method.title}`}
            onClick={() => comparing.resume(method)}
          >
            Compute
          </button>
        </small>
      ) : (
        note && <small class="compare-note">{note}</small>
      )}
    </th>
  )
}

function RowHead({ row, removable }: { readonly row: ClassAnswer; readonly removable: boolean }) {
  const { comparing } = useDesk()
  return (
    <th scope="row" class="compare-row">
      <span class="compare-class">{row.label}</span>
      <small class="compare-note">
        {percent(row.probability)} <span class="compare-dot">·</span>{' '}
        <span class="compare-logit">logit {row.logit.toFixed(2)}</span>
      </small>
      {removable && (
        <button
          type="button"
          class="link compare-remove"
          aria-label={`Remove ${row.label} from the comparison`}
          onClick={() => comparing.remove(row.index)}
        >
          Remove
        </button>
      )}
    </th>
  )
}

/** The drawing in device pixels, in steps, so that a window that is dragged does not draw all maps anew at each pixel. */
const STEP = 50

function sizeOf({ drawing }: Desk, subject: Subject, width: number): Size {
  const dense = Math.min(2, devicePixelRatio)
  const pixels = Math.ceil((width * dense) / STEP) * STEP
  return drawing.sizeIn(subject, { width: pixels, height: pixels * 2 })
}

interface ThePictureProps {
  readonly subject: Subject
  readonly width: number
}

function ThePicture({ subject, width }: ThePictureProps) {
  const desk = useDesk()
  const size = sizeOf(desk, subject, width)
  return (
    <div class="compare-image">
      <PixelsCanvas pixels={desk.drawing.picture(subject, size)} label={`The picture: ${subject.name}`} />
    </div>
  )
}

interface PlaceProps extends ThePictureProps {
  readonly method: MethodInfo
  readonly row: ClassAnswer
}

function Place({ subject, method, row, width }: PlaceProps) {
  const { studio, comparing } = useDesk()
  comparing.changed.value
  const cell = comparing.cell(method, row)
  const { width: w, height: h } = subject.picture
  const shape = { aspectRatio: `${w} / ${Math.min(h, 2 * w)}` }
  const open = (): void =>
    batch(() => {
      studio.method.value = method.id
      studio.target.value = row.index
      studio.tab.value = 'explain'
    })
  if (cell.kind === 'map')
    return (
      <button type="button" class="compare-open" title="Open in Explain" onClick={open}>
        <span class="sr">{`${method.title} for ${row.label}: open in Explain`}</span>
        <MapWithBar subject={subject} cell={cell} width={width} />
      </button>
    )
  return (
    <div class={`compare-blank ${cell.kind}`} style={shape}>
      <span>{cell.kind === 'refused' ? cell.why : cell.kind === 'stopped' ? 'Cancelled' : 'Computing …'}</span>
    </div>
  )
}

interface MapWithBarProps extends ThePictureProps {
  readonly cell: Cell & { readonly kind: 'map' }
}

const BAR = { width: 200, height: 6 }

function MapWithBar({ subject, cell, width }: MapWithBarProps) {
  const desk = useDesk()
  const look = desk.studio.look.value
  const { explanation, partial } = cell
  const size = sizeOf(desk, subject, width)
  const { image, bar } = useMemo(
    () => desk.drawing.draw(subject, explanation, size, look),
    [desk, subject, explanation, size.width, size.height, look],
  )
  const [odd] = partial ? [] : explanation.diagnosis
  const signed = bar.kind === 'signed'
  return (
    <>
      <span class="compare-image">
        <PixelsCanvas pixels={image} />
      </span>
      <span class="compare-bar">
        <PixelsCanvas pixels={barPixels(bar, BAR.width, BAR.height)} />
        <small>
          <span>{formatNumber(bar.low)}</span>
          {signed && <span>0</span>}
          <span>{`${signed && bar.high > 0 ? '+' : ''}${formatNumber(bar.high)}`}</span>
        </small>
      </span>
      {odd && (
        <small class="compare-odd">
          <strong>{odd.code}:</strong> {odd.message}
        </small>
      )}
    </>
  )
}
