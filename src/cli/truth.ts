/** `--truth FILE`: where the objects of each picture are. */
import { ExplainError } from '../core/errors.js'
import type { Box } from '../image/index.js'
import type { GivenTruth } from '../metrics/index.js'

/** Reads boxes by picture, `{"cat.jpg": [[x0, y0, x1, y1], ...]}`. Throws `bad-option`. */
export function readTruth(bytes: Uint8Array, path: string): ReadonlyMap<string, GivenTruth> {
  const bad = (what: string): ExplainError =>
    new ExplainError('bad-option', {
      what: `"${path}" ${what}`,
      where: '--truth',
      remedy: 'Give JSON with boxes in pixels by picture: {"cat.jpg": [[40, 30, 200, 180]]}.',
    })
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw bad('is no JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad('is not an object of boxes by picture')
  return new Map(
    Object.entries(value).map(([picture, boxes]: [string, unknown]) => {
      if (!Array.isArray(boxes)) throw bad(`has no list of boxes for "${picture}"`)
      return [
        picture,
        {
          boxes: boxes.map((box: unknown) =>
            boxOf(box, () => bad(`has a box of "${picture}" that is not [x0, y0, x1, y1]`)),
          ),
        },
      ]
    }),
  )
}

function boxOf(box: unknown, bad: () => ExplainError): Box {
  if (!Array.isArray(box) || box.length !== 4 || !box.every((v) => Number.isFinite(v))) throw bad()
  const [x0, y0, x1, y1] = box as [number, number, number, number]
  return { x0, y0, x1, y1 }
}
