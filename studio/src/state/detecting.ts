/** Keeps boxes and regions true to the picture: what a detector finds, what a segmentation network sees. */
import { effect, signal, untracked } from '@preact/signals'
import { type Box, type Point, type Segmentation, type Size, toModel, type WebModel } from 'onnxplain/web'
import { Latest } from './latest.js'
import { isAborted, type Problem, problemOf } from './problem.js'
import type { Studio, Subject } from './studio.js'
import type { Wanted } from './wanted.js'

/** All that may be shown is found at once: the slider then only hides. */
export const FOUND_FROM = 0.05
const MOST = 100

export class Detecting {
  readonly #studio: Studio
  readonly #latest = new Latest()
  readonly problem = signal<Problem | undefined>(undefined)
  /** What is pointed at in the list or on the picture: it is drawn more strongly. */
  readonly pointed = signal<Wanted | undefined>(undefined)

  constructor(studio: Studio) {
    this.#studio = studio
  }

  /** Follows the studio until the returned function is called. */
  follow(): () => void {
    return effect(() => {
      const s = this.#studio
      const [view, subject, isReady] = [s.view.value, s.subject.value, s.missing.value.length === 0]
      // what goes with the picture is not what it was
      s.given.value
      untracked(() => void this.#find(view, isReady ? subject : undefined))
    })
  }

  async #find(view: WebModel | undefined, subject: Subject | undefined): Promise<void> {
    const s = this.#studio
    s.found.value = undefined
    s.segmented.value = undefined
    this.problem.value = undefined
    this.pointed.value = undefined
    const kind = view?.answer.kind
    if (!view || !subject || !view.preprocessing || (kind !== 'boxes' && kind !== 'map')) {
      this.#latest.abort()
      return
    }
    try {
      await this.#latest.run(async (signal) => {
        const options = { ...s.given.peek(), signal }
        if (kind === 'boxes') {
          const found = await view.detect(subject.picture, { ...options, ...DETECTION })
          if (!signal.aborted) s.found.value = found
        } else {
          const segmented = await view.segmentation(subject.picture, options)
          if (!signal.aborted) s.segmented.value = segmented
        }
      })
    } catch (error) {
      if (!isAborted(error)) this.problem.value = problemOf('Nothing could be found in this picture', error)
    }
  }
}

/** How boxes are found, wherever they are spoken of by their numbers. */
export const DETECTION = { threshold: FOUND_FROM, top: MOST } as const

/** What is chosen by a click at a place of the picture: the smallest box around it, the class there. */
export function chosenAt(studio: Studio, at: Point): Wanted | undefined {
  const picture = studio.subject.value?.picture
  const boxes = picture ? (studio.boxes.value ?? []).map((box) => onPicture(box, picture)) : []
  const around = boxes
    .map((box, i) => ({ i, area: (box.x1 - box.x0) * (box.y1 - box.y0), box }))
    .filter(({ box }) => at.x >= box.x0 && at.x <= box.x1 && at.y >= box.y0 && at.y <= box.y1)
    .sort((a, b) => a.area - b.area)
  const [first] = around
  if (first) return `box:${first.i}`
  const segmented = studio.segmented.value
  const index = segmented && classAt(segmented, at)
  return index === undefined || index < 0 ? undefined : `region:${index}`
}

/** What of a box is on the picture. */
export function onPicture({ x0, y0, x1, y1 }: Box, { width, height }: Size): Box {
  return { x0: Math.max(0, x0), y0: Math.max(0, y0), x1: Math.min(width, x1), y1: Math.min(height, y1) }
}

/** The class that the network sees at a place of the picture; undefined where it does not look. */
export function classAt({ width, height, classes, geometry }: Segmentation, at: Point): number | undefined {
  const { x, y } = toModel(at, geometry)
  const [column, row] = [
    Math.floor((x / geometry.model.width) * width),
    Math.floor((y / geometry.model.height) * height),
  ]
  return column < 0 || row < 0 || column >= width || row >= height ? undefined : classes[row * width + column]
}
