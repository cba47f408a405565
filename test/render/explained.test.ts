/** What of an explanation is drawn: at which size, and what becomes of its colour channels. */
import { expect, it } from 'vitest'
import { comparisonFigure, drawExplained, type Explained } from '../../src/render/index.js'

const seen = { x0: 0, y0: 0, x1: 4, y1: 2 }
const picture = { width: 4, height: 2, data: new Uint8Array(32).fill(255) }

/** A map of colour channels that against the class speaks as loud as 3, and for it as loud as 1. */
function explained(): Explained & { readonly asked: unknown[] } {
  const asked: unknown[] = []
  return {
    asked,
    method: { id: 'gradient', title: 'Gradient', display: 'positive' },
    answer: { index: 0, label: 'ant', logit: 1, probability: 0.5, key: 'ant' },
    diagnosis: [],
    at({ width, height }, channels) {
      asked.push([width, height, channels])
      const data = channels === 'sum' ? [-3, 1, 0, 0, 0, 0, 0, 0] : [2, 1, 0, 0, 0, 0, 0, 0]
      return { heatmap: { width, height, data: Float32Array.from(data), seen }, channels: () => new Float32Array(24) }
    },
  }
}

it('takes the map at the size of the picture that it is given', () => {
  const one = explained()
  expect(drawExplained(picture, one)).toMatchObject({ image: { width: 4 }, bar: { low: 0, high: 2, kind: 'positive' } })
  expect(one.asked).toEqual([[4, 2, undefined]])
  comparisonFigure(picture, [one.method, { id: 'cam', title: 'CAM' }], [one])
  expect(new Set(one.asked.map((a) => String(a)))).toEqual(new Set(['4,2,']))
})

it('signed, colour channels are summed: their largest magnitude has no sign', () => {
  const one = explained()
  const { image, bar } = drawExplained(picture, one, { signed: true })
  expect(one.asked).toEqual([[4, 2, 'sum']])
  expect(bar).toEqual({ colormap: 'red-blue', low: -3, high: 3, kind: 'signed' })
  const [red = 0, , blue = 0] = image.data
  expect(blue).toBeGreaterThan(red) // against the class
})
