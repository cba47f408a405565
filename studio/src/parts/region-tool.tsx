/** The place or rectangle that is asked about. */
import type { Box, Point, Size } from 'onnxplain/web'
import type { Subject } from '../state/studio.js'
import { useDesk } from './context.js'
import { Outline } from './marks.js'

interface RegionMarksProps {
  readonly subject: Subject
  readonly shown: Size
}

export function RegionMarks({ subject, shown }: RegionMarksProps) {
  const { studio, regions } = useDesk()
  const region = regions.region.value
  const cursor = studio.cursor.value
  const scale = { picture: subject.picture, shown }
  const isPlace = region && region.box.x1 - region.box.x0 <= 1 && region.box.y1 - region.box.y0 <= 1
  return (
    <>
      {region?.subject === subject && (
        <Outline {...scale} box={region.box} class={isPlace ? 'cross cross-set' : 'region'} />
      )}
      {cursor?.subject === subject && cursor.by === 'keys' && (
        <Outline {...scale} box={{ x0: cursor.x, y0: cursor.y, x1: cursor.x, y1: cursor.y }} class="cross" />
      )}
    </>
  )
}

/** The rectangle between two points, at least a pixel. */
export function boxOf(a: Point, b: Point): Box {
  const [x0, y0] = [Math.floor(Math.min(a.x, b.x)), Math.floor(Math.min(a.y, b.y))]
  return {
    x0,
    y0,
    x1: Math.max(x0 + 1, Math.ceil(Math.max(a.x, b.x))),
    y1: Math.max(y0 + 1, Math.ceil(Math.max(a.y, b.y))),
  }
}

/** The pixel that a point lies in. */
export function placeOf({ x, y }: Point): Box {
  return { x0: Math.floor(x), y0: Math.floor(y), x1: Math.floor(x) + 1, y1: Math.floor(y) + 1 }
}
