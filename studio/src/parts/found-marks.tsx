/** Boxes and regions on the picture: all thin, what is explained or pointed at strong. */
import type { DetectedBox, Pixels, Point, Segmentation, Size } from 'onnxplain/web'
import { useMemo } from 'preact/hooks'
import { classAt, onPicture } from '../state/detecting.js'
import { paintedClass } from '../state/painting.js'
import type { Subject } from '../state/studio.js'
import { useDesk } from './context.js'
import { Outline } from './marks.js'
import { percent } from './numbers.js'
import { PixelsCanvas } from './pixels-canvas.js'

interface FoundMarksProps {
  readonly subject: Subject
  readonly shown: Size
}

export function FoundMarks({ subject, shown }: FoundMarksProps) {
  const { studio } = useDesk()
  const segmented = studio.segmented.value
  return (
    <>
      {studio.boxes.value?.map((box, i) => (
        <FoundBox key={i} subject={subject} shown={shown} box={box} wanted={`box:${i}`} />
      ))}
      {segmented && <Regions segmented={segmented} shown={shown} />}
    </>
  )
}

function FoundBox({
  subject,
  shown,
  box,
  wanted,
}: FoundMarksProps & { readonly box: DetectedBox; readonly wanted: string }) {
  const { studio, detecting } = useDesk()
  const isStrong = studio.wanted.value === wanted || detecting.pointed.value === wanted
  const inside = onPicture(box, subject.picture)
  const across = shown.width / subject.picture.width
  const down = shown.height / subject.picture.height
  return (
    <>
      <Outline box={inside} picture={subject.picture} shown={shown} class={isStrong ? 'found found-strong' : 'found'} />
      {isStrong && (
        <span class="found-name" style={{ left: `${inside.x0 * across}px`, top: `${inside.y0 * down}px` }}>
          {box.label} {percent(box.score)}
        </span>
      )}
    </>
  )
}

function Regions({ segmented, shown }: { readonly segmented: Segmentation; readonly shown: Size }) {
  const { studio, detecting, painting } = useDesk()
  const wanted = detecting.pointed.value ?? studio.wanted.value
  const [, chosen] = /^region:(\d+)$/.exec(String(wanted)) ?? []
  const strong = chosen === undefined ? paintedClass(wanted) : Number(chosen)
  const painted = painting.painted.value?.places
  const outlines = useMemo(() => edges(segmented, shown, strong), [segmented, shown.width, shown.height, strong])
  const region = useMemo(
    () => painted && filled(segmented, painted, shown),
    [segmented, painted, shown.width, shown.height],
  )
  return (
    <>
      <PixelsCanvas class="regions" pixels={outlines} />
      {region && <PixelsCanvas class="regions painted" pixels={region} />}
    </>
  )
}

/** Lines where classes meet: white within black, those of one class stronger. */
function edges(segmented: Segmentation, { width, height }: Size, strong: number | undefined): Pixels {
  const at = placesOf(segmented, { width, height })
  const data = new Uint8Array(width * height * 4)
  for (let y = 0; y < height - 1; y++)
    for (let x = 0; x < width - 1; x++) {
      const [own, right, below] = [at(x, y), at(x + 1, y), at(x, y + 1)]
      if (own === right && own === below) continue
      const isStrong = [own, right, below].includes(strong)
      const alpha = isStrong ? 255 : 110
      data.set([255, 255, 255, alpha], (y * width + x) * 4)
      const shadow = ((y + 1) * width + x + 1) * 4
      if (data[shadow + 3] === 0) data.set([0, 0, 0, isStrong ? 220 : 90], shadow)
    }
  return { width, height, data }
}

/** A veil over what is painted. */
function filled(segmented: Segmentation, places: Uint8Array, { width, height }: Size): Pixels {
  const of = { ...segmented, classes: Int32Array.from(places) }
  const at = placesOf(of, { width, height })
  const data = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (at(x, y) !== 1) continue
      const isEdge = [at(x - 1, y), at(x + 1, y), at(x, y - 1), at(x, y + 1)].some((v) => v !== 1)
      data.set(isEdge ? [255, 255, 255, 255] : [255, 255, 255, 60], (y * width + x) * 4)
    }
  return { width, height, data }
}

/** The class at each pixel of the picture as it is shown. */
function placesOf(segmented: Segmentation, { width, height }: Size): (x: number, y: number) => number | undefined {
  const { source } = segmented.geometry
  const point = (x: number, y: number): Point => ({
    x: ((x + 0.5) / width) * source.width,
    y: ((y + 0.5) / height) * source.height,
  })
  return (x, y) => classAt(segmented, point(x, y))
}
