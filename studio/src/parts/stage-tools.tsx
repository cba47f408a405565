/** What lies over the picture and hears pointer and keys: the tool at hand, and the line of the wipe. */
import { useSignal } from '@preact/signals'
import type { Point, Size } from 'onnxplain/web'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { chosenAt } from '../state/detecting.js'
import type { Subject, Tool } from '../state/studio.js'
import { type Desk, useDesk } from './context.js'
import { FoundMarks } from './found-marks.js'
import { LookMarks } from './look-tool.js'
import { OccludeMarks } from './occlude-tool.js'
import { PaintMarks } from './paint-tool.js'
import { boxOf, placeOf, RegionMarks } from './region-tool.js'
import { WipeLine } from './wipe-line.js'

interface StageToolsProps {
  readonly subject: Subject
  /** The picture as it is shown, in CSS pixels. */
  readonly shown: Size
  readonly withMap: boolean
  /** The one that takes the keyboard. */
  readonly isFirst: boolean
}

const HELP: Readonly<Record<Tool, string>> = {
  look: 'Values of the map: arrow keys move over the picture, with Shift by one pixel; Enter explains the box or region there; Escape leaves.',
  occlude:
    'A square that covers the picture: arrow keys move it, with Shift by one pixel; plus and minus change its size; Escape leaves.',
  region:
    'Which classes a place speaks for: arrow keys move over the picture, Enter asks, Shift and Enter ask of the rectangle from the last place; Escape leaves.',
  paint:
    'A brush for a region: arrow keys move it, Enter paints, Shift and Enter paint from the last place; plus and minus change its size; Escape leaves.',
}

export function StageTools({ subject, shown, withMap, isFirst }: StageToolsProps) {
  const desk = useDesk()
  const { studio } = desk
  const tool = studio.tool.value
  const start = useSignal<Point | undefined>(undefined)
  const { picture } = subject
  const surface = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // a tool that was taken up by its key is moved by keys
    if (isFirst && tool !== 'look' && document.activeElement === document.body) surface.current?.focus()
  }, [tool, isFirst])

  const pointOf = (event: PointerEvent): Point => {
    const { left, top, width, height } = (event.currentTarget as Element).getBoundingClientRect()
    return inside(
      { x: ((event.clientX - left) / width) * picture.width, y: ((event.clientY - top) / height) * picture.height },
      picture,
    )
  }
  const point = (at: Point, by: 'pointer' | 'keys'): void => {
    studio.cursor.value = { ...at, subject, by }
  }
  const region = (from: Point, to: Point): void => {
    // a click is a place; only what is dragged farther than a hand trembles is a rectangle
    const pixel = picture.width / shown.width
    const isDrag = Math.hypot(to.x - from.x, to.y - from.y) > TREMBLE * pixel
    desk.regions.region.value = { subject, box: isDrag ? boxOf(from, to) : placeOf(from) }
  }
  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return
    const at = pointOf(event)
    point(at, 'pointer')
    if (tool === 'look') {
      choose(desk, at)
      return
    }
    const { currentTarget } = event
    if (currentTarget instanceof Element) currentTarget.setPointerCapture(event.pointerId)
    start.value = at
    if (tool === 'region') region(at, at)
    if (tool === 'paint') desk.painting.stroke(at, at)
  }
  const move = (event: PointerEvent): void => {
    const at = pointOf(event)
    point(at, 'pointer')
    if (tool === 'region' && start.value) region(start.value, at)
    if (tool === 'look') desk.detecting.pointed.value = chosenAt(studio, at)
    if (tool === 'paint' && start.value) {
      desk.painting.stroke(start.value, at)
      start.value = at
    }
  }
  const up = (): void => {
    if (tool === 'paint' && start.value) desk.painting.explain()
    start.value = undefined
  }
  const leave = (event: PointerEvent): void => {
    // a finger that was lifted leaves what it pointed at
    if (event.pointerType === 'mouse') studio.cursor.value = undefined
    desk.detecting.pointed.value = undefined
  }
  return (
    <>
      <div
        ref={surface}
        class={`surface surface-${tool}`}
        role="application"
        tabIndex={isFirst ? 0 : -1}
        aria-label={HELP[tool]}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onPointerLeave={leave}
        onKeyDown={(event) => pressed(event, desk, subject)}
      >
        <FoundMarks subject={subject} shown={shown} />
        {tool === 'look' && <LookMarks subject={subject} shown={shown} withReadout={withMap} />}
        {tool === 'occlude' && <OccludeMarks subject={subject} shown={shown} withReadout={withMap} />}
        {tool === 'region' && <RegionMarks subject={subject} shown={shown} />}
        {tool === 'paint' && <PaintMarks subject={subject} shown={shown} />}
      </div>
      {studio.arrangement.value === 'wipe' && <WipeLine />}
    </>
  )
}

/** Explains what lies at a place, where the answer has places. */
function choose({ studio }: Desk, at: Point): void {
  const chosen = chosenAt(studio, at)
  if (chosen !== undefined) studio.target.value = chosen
}

/** CSS pixels within which a click stays a click. */
const TREMBLE = 5
/** Steps of the arrow keys along the picture's longer side. */
const STEPS = 60

function pressed(event: JSX.TargetedKeyboardEvent<HTMLDivElement>, desk: Desk, subject: Subject): void {
  const { studio, regions, painting } = desk
  const { picture } = subject
  const { key, shiftKey } = event
  const cursor = studio.cursor.value
  const at = cursor?.subject === subject ? cursor : { x: picture.width / 2, y: picture.height / 2 }
  const ways: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  }
  const way = ways[key]
  if (way) {
    const step = shiftKey ? 1 : Math.max(1, Math.max(picture.width, picture.height) / STEPS)
    const [right, down] = way
    // the first key shows where it begins
    const to = cursor ? { x: at.x + right * step, y: at.y + down * step } : at
    studio.cursor.value = { ...inside(to, picture), subject, by: 'keys' }
  } else if ((key === 'Enter' || key === ' ') && studio.tool.value === 'region') {
    const before = regions.region.value
    const from = shiftKey && before?.subject === subject ? { x: before.box.x0, y: before.box.y0 } : undefined
    studio.cursor.value = { x: at.x, y: at.y, subject, by: 'keys' }
    regions.region.value = { subject, box: from ? boxOf(from, at) : placeOf(at) }
  } else if ((key === 'Enter' || key === ' ') && studio.tool.value === 'paint') {
    painting.stroke(shiftKey ? (painting.last ?? at) : at, at)
    painting.explain()
  } else if (key === 'Enter' && studio.tool.value === 'look') {
    choose(desk, at)
  } else if (key === 'Escape') {
    studio.cursor.value = undefined
    studio.tool.value = 'look'
  } else return
  event.preventDefault()
}

/** The point of the picture that is nearest. */
function inside({ x, y }: Point, { width, height }: Size): Point {
  const within = (v: number, size: number): number => Math.min(size - 0.5, Math.max(0.5, v))
  return { x: within(x, width), y: within(y, height) }
}
