/** Pictures of many pixels, and of odd ones: maps are lifted when they are read, and drawn no larger than they are shown. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, expect, test, vi } from 'vitest'
import { liftToPicture } from '../../src/image/geometry.js'
import { open } from '../../src/node/index.js'
import { runtime } from '../support/ort.js'
import { quadrants } from './pictures.js'
import { TINY_LABELS, temporaryFolder, tinyModel } from './support.js'

vi.mock('../../src/image/geometry.js', async (original) => {
  const real = await original<typeof import('../../src/image/geometry.js')>()
  return { ...real, liftToPicture: vi.fn(real.liftToPicture) }
})
const lift = vi.mocked(liftToPicture)
const sizes = () => lift.mock.calls.map(([, , , { source }]) => `${source.width} x ${source.height}`)
beforeEach(() => {
  lift.mockClear()
})

const model = await open(tinyModel(), { labels: TINY_LABELS, runtime })
const photo = (width: number, height: number) => ({ width, height, data: new Uint8Array(quadrants(width, height)) })

test.each(['grad-cam', 'guided-backpropagation', 'gradient', 'occlusion'])('%s of 2000 x 1500', async (method) => {
  const result = await model.explain(photo(2000, 1500), { method, target: 'cat', options: optionsOf(method) })
  expect(result.heatmap).toMatchObject({ width: 2000, height: 1500 })
  expect(lift).not.toHaveBeenCalled()
  await result.save(join(temporaryFolder(), 'map.png'))
  expect(new Set(sizes())).toEqual(new Set(['600 x 450']))
})

test('the heatmap is made when it is read, once, and agrees with the smaller one', async () => {
  const result = await model.explain(photo(800, 600), { target: 'cat' })
  const { data } = result.heatmap
  expect(result.heatmap.data).toBe(data)
  expect(sizes()).toEqual(['800 x 600'])
  const small = result.at({ width: 400, height: 300 }).heatmap
  expect(small.data).toHaveLength(400 * 300)
  const [x, y] = [200, 150]
  const around = [0, 1].flatMap((j) => [0, 1].map((i) => data[(2 * y + j) * 800 + 2 * x + i] ?? 0))
  expect(small.data[y * 400 + x]).toBeCloseTo(around.reduce((a, b) => a + b) / 4, 3)
})

test('a gradient is never negative by default, and has its sign where channels are summed', async () => {
  const result = await model.explain(photo(64, 48), { method: 'gradient', target: 'cat' })
  expect(Math.min(...result.heatmap.data)).toBe(0)
  expect(Math.min(...result.at({ width: 64, height: 48 }, 'sum').heatmap.data)).toBeLessThan(0)
})

test('small pictures are left at their size', async () => {
  const result = await model.explain(photo(64, 48), { target: 'cat' })
  await result.save(join(temporaryFolder(), 'map.png'))
  expect(new Set(sizes())).toEqual(new Set(['64 x 48']))
})

test.each([
  [20, 4000],
  [4000, 20],
  [1, 3000],
])('a picture of %i x %i is drawn in a cell of a usual shape', async (width, height) => {
  const result = await model.explain(photo(width, height), { method: 'guided-backpropagation', target: 'cat' })
  const path = join(temporaryFolder(), 'map.png')
  await result.save(path)
  const drawn = await sharp(readFileSync(path)).metadata()
  expect(drawn.width).toBeLessThan(1200)
  expect(drawn.height).toBeLessThan(1500)
  expect(drawn.height).toBeGreaterThan(300)
})

function optionsOf(method: string): Readonly<Record<string, number>> {
  return method === 'occlusion' ? { patch: 8, stride: 4 } : {}
}
