/** Sheets of slices: which are shown, and that all are on one scale. */
import { describe, expect, test } from 'vitest'
import { drawSlices, type Explained, evenSlices, type Pixels, slicesFigure } from '../../src/render/index.js'

const [WIDTH, HEIGHT, DEPTH] = [3, 2, 4]
const AREA = WIDTH * HEIGHT

const slices: readonly Pixels[] = Array.from({ length: DEPTH }, () => ({
  width: WIDTH,
  height: HEIGHT,
  data: new Uint8Array(4 * AREA).fill(255),
}))

/** A map whose slice z is z everywhere; with channels, -z in the second. */
function explained(display: Explained['method']['display'], odd = false): Explained {
  const data = Float32Array.from({ length: DEPTH * AREA }, (_, i) => Math.floor(i / AREA))
  const channels = (): Float32Array => Float32Array.of(...data, ...data.map((v) => -v), ...data)
  const heatmap = { width: WIDTH, height: HEIGHT, data, seen: { x0: 0, y0: 0, x1: WIDTH, y1: HEIGHT } }
  return {
    method: { id: 'test', title: 'Test', display },
    answer: { index: 0, label: 'ant', logit: 1, probability: 0.5, key: 'ant' },
    at: () => ({ heatmap, channels: display === 'pixels' ? channels : undefined }),
    diagnosis: odd ? [{ code: 'blank', message: 'nothing arrives' }] : [],
  }
}

describe('evenSlices', () => {
  test.each([
    [1, [0]],
    [4, [0, 1, 2, 3]],
    [6, [0, 1, 2, 3, 4, 5]],
    [16, [1, 4, 6, 9, 12, 14]],
    [7, [0, 1, 2, 4, 5, 6]],
  ])('%i', (depth, want) => expect(evenSlices(depth)).toEqual(want))
})

describe('drawSlices', () => {
  test('all on the scale of what is drawn', () => {
    const drawn = drawSlices(slices, [0, 1, 3], explained('positive'))
    expect(drawn.map((d) => [d.bar.low, d.bar.high])).toEqual(Array.from({ length: 3 }, () => [0, 3]))
    expect(drawn.map((d) => [d.image.width, d.image.height])).toEqual(Array.from({ length: 3 }, () => [WIDTH, HEIGHT]))
    const colours = drawn.map((d) => Array.from(d.image.data.subarray(0, 3)).join())
    expect(colours[0]).toBe('255,255,255') // nothing covers the picture where the map is 0
    expect(new Set(colours).size).toBe(3)
    for (const { image } of drawn) expect(image.data.subarray(0, 4)).toEqual(image.data.subarray(-4))
  })

  test('channels of each slice stay together', () => {
    const drawn = drawSlices(slices, [0, 1, 3], explained('pixels'))
    expect(drawn.map((d) => Array.from(d.image.data.subarray(0, 3)))).toEqual([
      [128, 128, 128],
      [170, 86, 170],
      [255, 1, 255],
    ])
  })
})

test('the figure: a column a slice, a row for the input and one a map, a message where a map is odd', () => {
  const spec = slicesFigure(slices, [explained('signed'), explained('positive', true)], {
    word: 'frame',
    caption: 'note',
  })
  expect(spec.columns.map((c) => c.title)).toEqual([1, 2, 3, 4].map((n) => `frame ${n} of 4`))
  expect(spec.rows.map((r) => [r.title, r.cells.length])).toEqual([
    ['Input', 4],
    ['ant', 4],
    ['ant', 4],
  ])
  expect(spec.rows[2]?.cells[0]).toEqual({ message: 'blank: nothing arrives' })
  expect(spec.caption).toBe('note')
})
