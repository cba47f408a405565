/** Non-negative factors against scikit-learn's (scripts/driven_cam_fixtures.py), and resizing against ONNX Runtime's. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { linearResize } from '../../src/methods/linear.js'
import { upsample } from '../../src/methods/maps.js'
import { factorise } from '../../src/methods/nmf.js'
import { singular } from '../../src/methods/singular.js'
import { Builder, declare } from '../../src/onnx/builder.js'
import { pathOf } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { noise } from '../support/networks.js'
import { numbers, run } from '../support/run.js'

interface Fixture {
  readonly rows: number
  readonly columns: number
  readonly x: readonly number[]
  readonly left: readonly (readonly number[])[]
  readonly right: readonly (readonly number[])[]
  readonly error: number
}

const stored: Fixture = JSON.parse(readFileSync(pathOf('test/fixtures/methods/nmf.json'), 'utf8'))

test("factors are scikit-learn's, and leave out as much", () => {
  const { left, right, error } = factorise(Float64Array.from(stored.x), stored.rows, stored.columns, 3)
  expect(error).toBeCloseTo(stored.error, 3)
  for (const [i, want] of stored.left.entries()) expect(correlation(left[i] ?? [], want)).toBeGreaterThan(0.999)
  for (const [i, want] of stored.right.entries()) expect(correlation(right[i] ?? [], want)).toBeGreaterThan(0.999)
})

test('singular vectors make up a matrix, largest first, whatever its rank', () => {
  const [rows, columns] = [7, 5]
  const a = noise(1, rows, 3).data
  const b = noise(2, 3, columns).data
  const x = Float64Array.from({ length: rows * columns }, (_, i) => {
    const [r, c] = [Math.floor(i / columns), i % columns]
    return [0, 1, 2].reduce((s, k) => s + (a[r * 3 + k] ?? 0) * (b[k * columns + c] ?? 0), 0)
  })
  const found = singular(x, rows, columns, 5)
  const values = found.map((f) => f.value)
  expect(values).toEqual([...values].sort((p, q) => q - p))
  expect(values.slice(3).every((v) => v < 1e-6)).toBe(true)
  const made = x.map((_, i) =>
    found.reduce(
      (s, { value, left, right }) => s + value * (left[Math.floor(i / columns)] ?? 0) * (right[i % columns] ?? 0),
      0,
    ),
  )
  expect(relativeL2(made, x)).toBeLessThan(1e-9)
})

test.each([
  [[5], [12]],
  [
    [3, 4],
    [7, 4],
  ],
  [
    [2, 3, 5],
    [4, 2, 11],
  ],
])("resizing %j to %j is ONNX Runtime's", async (from, to) => {
  const map = noise(4, 1, ...from)
  const empty = model({ opset: 18, nodes: [], inputs: [declare('m', 'float32', map.dims)], outputs: [declare('m')] })
  const b = new Builder(empty)
  const fine = upsample(b, 'm', to)
  const want = numbers((await run(b.finish({ outputs: [declare(fine)] }), { m: float32(map.dims, map.data) }))[fine])
  expect(relativeL2(linearResize(from, to)(map.data), want)).toBeLessThan(1e-6)
})
