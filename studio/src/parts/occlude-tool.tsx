/** The square under the pointer, what it does to the answer, and the faint map of where it has been. */
import { type Box, drawExplained, type Explained, type Pixels, type Size } from 'onnxplain/web'
import { useLayoutEffect } from 'preact/hooks'
import type { Covered, PartialExplanation, Subject } from '../state/studio.js'
import type { TrailMap } from '../state/trail.js'
import { useDesk } from './context.js'
import { Beside, Outline } from './marks.js'
import { percent, points, signed } from './numbers.js'
import { PixelsCanvas } from './pixels-canvas.js'

interface OccludeMarksProps {
  readonly subject: Subject
  readonly shown: Size
  readonly withReadout: boolean
}

export function OccludeMarks({ subject, shown, withReadout }: OccludeMarksProps) {
  const { studio, occluding } = useDesk()
  const cursor = studio.cursor.value
  const explanation = studio.shown.value?.explanation
  if (cursor?.subject !== subject || !explanation) return null
  const covering = occluding.covering.value
  const covered = studio.covered.value
  const scale = { picture: subject.picture, shown }
  const words = covering ? wordsOf(covered, explanation) : ['Outside of what the network saw']
  const box: Box = covering?.box ?? { x0: cursor.x - 8, y0: cursor.y - 8, x1: cursor.x + 8, y1: cursor.y + 8 }
  return (
    <>
      {covering && <Outline {...scale} box={covering.box} class="square" fill={covering.colour} />}
      {withReadout && (
        <Beside {...scale} box={box}>
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

function wordsOf(covered: Covered | undefined, { answer }: PartialExplanation): readonly string[] {
  const before = covered?.before.get(answer.index)
  const after = covered?.after.get(answer.index)
  if (!covered || !before || !after) return [answer.label, 'asking the network …']
  const { best } = covered
  return [
    `${percent(before.probability)} → ${percent(after.probability)}`,
    answer.label,
    `${points(after.probability - before.probability)}, logit ${signed(after.logit - before.logit)}`,
    ...(best.index === answer.index ? [] : [`best now: ${best.label}, ${percent(best.probability)}`]),
  ]
}

/** The longest side of the drawn trail, in pixels: it is drawn again at each move. */
const TRAIL = 480
/** Faint, so that the picture stays in view. */
const OPACITY = 0.5

/** Where the square has been, in the colours of occlusion sensitivity; the rest of the picture keeps its own. */
export function TrailCanvas({ subject, size }: { readonly subject: Subject; readonly size: Size }) {
  const { studio } = useDesk()
  const shown = studio.shown.value
  return shown?.subject === subject ? <Trail subject={subject} size={size} explanation={shown.explanation} /> : null
}

interface TrailProps {
  readonly subject: Subject
  readonly size: Size
  readonly explanation: PartialExplanation
}

function Trail({ subject, size, explanation }: TrailProps) {
  const { drawing, occluding } = useDesk()
  const trail = occluding.trailMap()
  const small = drawing.sizeIn(subject, {
    width: Math.min(TRAIL, size.width),
    height: Math.min(TRAIL, size.height),
  })
  const explained: Explained = {
    method: { id: 'occlusion', title: 'Occluded by hand', display: 'signed' },
    answer: explanation.answer,
    diagnosis: [],
    at: trail?.map.at ?? ((wanted) => blank(explanation, wanted)),
  }
  const { image, bar } = drawExplained(drawing.picture(subject, small), explained, { opacity: OPACITY })
  useLayoutEffect(() => {
    occluding.bar.value = trail ? bar : undefined
  })
  const { seen } = explained.at(small).heatmap
  const label = trail
    ? `Occluded by hand at ${trail.count} places, for ${explanation.answer.label}`
    : 'Nothing has been occluded yet'
  return <PixelsCanvas pixels={cutOut(image, seen, trail?.map.visited(small))} label={label} />
}

function blank({ at }: PartialExplanation, size: Size): ReturnType<TrailMap['at']> {
  const { width, height, seen } = at(size).heatmap
  return { heatmap: { width, height, seen, data: new Float32Array(width * height) }, channels: undefined }
}

/** Transparent where the network saw the picture and no square has been. */
function cutOut({ width, height, data }: Pixels, seen: Box, visited: Float32Array | undefined): Pixels {
  const out = data.slice()
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5]
    const isSeen = x >= seen.x0 && x <= seen.x1 && y >= seen.y0 && y <= seen.y1
    if (isSeen && !visited?.[i]) out[i * 4 + 3] = 0
  }
  return { width, height, data: out }
}
