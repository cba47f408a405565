/** What is drawn over the picture: outlines, and words beside them that never cover what they are about. */
import type { Box, Size } from 'onnxplain/web'
import type { ComponentChildren } from 'preact'

/** A picture's pixels in CSS pixels. */
export interface Scale {
  readonly picture: Size
  readonly shown: Size
}

interface OutlineProps extends Scale {
  readonly box: Box
  readonly class: string
  /** As CSS has it. */
  readonly fill?: string
}

/** A box of the picture. */
export function Outline({ box, picture, shown, class: name, fill }: OutlineProps) {
  const { x0, y0, x1, y1 } = onScreen(box, { picture, shown })
  return (
    <div
      class={`outline ${name}`}
      style={{
        left: `${x0}px`,
        top: `${y0}px`,
        width: `${x1 - x0}px`,
        height: `${y1 - y0}px`,
        ...(fill ? { background: fill } : {}),
      }}
    />
  )
}

interface BesideProps extends Scale {
  /** What must not be covered, in pixels of the picture. */
  readonly box: Box
  readonly children: ComponentChildren
}

/** Words beside a box of the picture: on the side where there is room. */
export function Beside({ box, picture, shown, children }: BesideProps) {
  return (
    <div class="readout" style={placed(onScreen(box, { picture, shown }), shown)}>
      {children}
    </div>
  )
}

/** What the words need at most, in CSS pixels; the style sheet keeps them within it. */
const ROOM = { width: 208, height: 84 }
const GAP = 10

/** Where words go beside a box that they must not cover: right, left, below, above; else in the corner that is farthest away. */
export function placed(box: Box, shown: Size): Readonly<Record<string, string>> {
  const inside = (from: number, need: number, all: number): string => `${Math.max(0, Math.min(from, all - need))}px`
  const top = inside(box.y0, ROOM.height, shown.height)
  const left = inside(box.x0, ROOM.width, shown.width)
  if (box.x1 + GAP + ROOM.width <= shown.width) return { left: `${box.x1 + GAP}px`, top }
  if (box.x0 - GAP - ROOM.width >= 0) return { right: `${shown.width - box.x0 + GAP}px`, top }
  if (box.y1 + GAP + ROOM.height <= shown.height) return { top: `${box.y1 + GAP}px`, left }
  if (box.y0 - GAP - ROOM.height >= 0) return { bottom: `${shown.height - box.y0 + GAP}px`, left }
  const right = (box.x0 + box.x1) / 2 < shown.width / 2
  const below = (box.y0 + box.y1) / 2 < shown.height / 2
  return { [right ? 'right' : 'left']: '0', [below ? 'bottom' : 'top']: '0' }
}

function onScreen({ x0, y0, x1, y1 }: Box, { picture, shown }: Scale): Box {
  const [across, down] = [shown.width / picture.width, shown.height / picture.height]
  return { x0: x0 * across, y0: y0 * down, x1: x1 * across, y1: y1 * down }
}
