/** What the map says at the place that is pointed at: its value, the pixel, and the cell of the layer. */
import type { Box, Point, Size } from 'onnxplain/web'
import { useMemo } from 'preact/hooks'
import { Looking, type Reading } from '../state/looking.js'
import type { PartialExplanation, Subject } from '../state/studio.js'
import { useDesk } from './context.js'
import { Beside, Outline } from './marks.js'
import { formatNumber, signed } from './numbers.js'

interface LookMarksProps {
  readonly subject: Subject
  readonly shown: Size
  readonly withReadout: boolean
}

/** Cells smaller than this, in CSS pixels, are pointed at by a cross instead. */
const SMALLEST = 6
/** Cells larger than this share of the picture do not keep the words away. */
const LARGEST = 0.45
/** What the words keep clear around the point, in CSS pixels. */
const CLEAR = 14

export function LookMarks({ subject, shown, withReadout }: LookMarksProps) {
  const { studio } = useDesk()
  const looking = useMemo(() => new Looking(), [])
  const cursor = studio.cursor.value
  if (cursor?.subject !== subject) return null
  const { picture } = subject
  const scale = { picture, shown }
  const now = studio.shown.value
  const explanation = now?.subject === subject ? now.explanation : undefined
  const isSigned = studio.look.value.signed ?? explanation?.method.display === 'signed'
  const reading = explanation && looking.read(explanation, cursor, isSigned)
  const cell = reading?.seen?.cell
  const pixels = shown.width / picture.width
  const isBox = cell !== undefined && (cell.box.x1 - cell.box.x0) * pixels >= SMALLEST
  const words = explanation && reading ? wordsOf(explanation, reading, isSigned) : ['No map yet']
  return (
    <>
      {isBox && <Outline {...scale} box={cell.box} class="cell" />}
      <Outline {...scale} box={around(cursor, 0)} class="cross" />
      {withReadout && (
        <Beside {...scale} box={isBox && isSmall(cell.box, picture) ? cell.box : around(cursor, CLEAR / pixels)}>
          {words.map((line, i) => (
            <p key={line} class={i === 0 ? 'readout-first' : ''}>
              {line}
            </p>
          ))}
        </Beside>
      )}
      {withReadout && (
        <output class="sr" aria-live="polite">
          {cursor.by === 'keys' ? words.join('. ') : ''}
        </output>
      )}
    </>
  )
}

function wordsOf({ raw }: PartialExplanation, { pixel, seen }: Reading, isSigned: boolean): readonly string[] {
  const pixelWords = `pixel ${pixel.x}, ${pixel.y}`
  if (!seen) return ['Outside of what the network saw', pixelWords]
  const { value, largest, cell } = seen
  const print = isSigned ? signed : formatNumber
  const share = largest > 0 ? [`${whole((value / largest) * 100)} % of its largest`] : []
  const place = `row ${cell.row + 1}, column ${cell.column + 1} of ${cell.rows} × ${cell.columns}`
  return [`map ${print(value)}`, ...share, pixelWords, raw.layer === undefined ? `input: ${place}` : `cell: ${place}`]
}

/** A whole number, with a true minus. */
function whole(value: number): string {
  return formatNumber(Math.round(value))
}

function around({ x, y }: Point, by: number): Box {
  return { x0: x - by, y0: y - by, x1: x + by, y1: y + by }
}

function isSmall({ x0, y0, x1, y1 }: Box, { width, height }: Size): boolean {
  return x1 - x0 < LARGEST * width && y1 - y0 < LARGEST * height
}
