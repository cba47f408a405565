/** How maps are measured: errors, ground truth, progress, pooling, mosaics and networks with other weights. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { float32 } from '../../src/core/tensor.js'
import { type Explanation, Model } from '../../src/explain/index.js'
import { LARGEST } from '../../src/metrics/box-accuracy.js'
import { regionsOf } from '../../src/metrics/components.js'
import { Imputer } from '../../src/metrics/impute.js'
import { aggregate, costOf, findMetric, METRICS, measure, measureAll, mosaic } from '../../src/metrics/index.js'
import { redrawn, weightLayers } from '../../src/metrics/redraw.js'
import { truthOn } from '../../src/metrics/truth.js'
import { network, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { mapOf, withMap } from './support.js'

let model: Model
let made: Explanation
const image = picture(4)
beforeAll(async () => {
  model = await Model.load(network(), runtime, { name: 'small' })
  made = await model.explain(image, { method: 'grad-cam' })
})
afterAll(() => model.release())

async function errorOf(work: Promise<unknown>): Promise<ExplainError> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  )
  if (error instanceof ExplainError) return error
  throw new Error(`not refused: ${error}`)
}

describe('refusals', () => {
  test('an unknown metric, with the nearest ones', async () => {
    const error = await errorOf(measure(model, image, made, 'delection'))
    expect(error.code).toBe('unknown-metric')
    expect(error.message).toContain('Did you mean "deletion"')
    expect(findMetric('MaxBoxAcc').id).toBe('max-box-acc')
  })

  test.each(METRICS.filter((m) => m.needs !== 'nothing').map((m) => m.id))('%s without ground truth', async (id) => {
    const error = await errorOf(measure(model, image, made, id))
    expect(error.code).toBe('missing-ground-truth')
    expect(error.message).toContain('boxes: [{ x0: 40, y0: 30, x1: 200, y1: 180 }]')
  })

  test.each([
    ['deletion', { step: -1 }, 'step is -1'],
    ['deletion', { score: 'odds' }, 'It can be: probability, logit, explained'],
    ['deletion', { steps: 3 }, 'Did you mean "step"'],
    ['mu-fidelity', { taken: 2 }, 'taken is 2, which is not a number from 0 to 1'],
    ['deletion', { fill: 'greyish-blue' }, 'neither "mean" nor a colour'],
  ])('%s with %o', async (id, options, message) => {
    const error = await errorOf(measure(model, image, made, id, { options }))
    expect(error.code).toBe('bad-option')
    expect(error.message).toContain(message)
  })

  test('boxes without an inside, masks of another size', async () => {
    const boxes = [{ x0: 5, y0: 5, x1: 5, y1: 9 }]
    expect((await errorOf(measure(model, image, made, 'pxap', { truth: { boxes } }))).message).toContain(
      'has no inside',
    )
    const masks = [{ width: 3, height: 2, data: new Uint8Array(6) }]
    expect((await errorOf(measure(model, image, made, 'pxap', { truth: { masks } }))).message).toContain('does not fit')
  })

  test('maps with values that are not finite', async () => {
    const broken = withMap(made, [SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(Number.NaN))
    expect((await errorOf(measure(model, image, broken, 'sparseness'))).code).toBe('method-not-applicable')
  })

  test('several metrics go on after one that is refused', async () => {
    const set = await measureAll(model, image, made, ['pxap', 'sparseness'])
    expect(set.results.map((r) => r.metric.id)).toEqual(['sparseness'])
    expect(set.refused.map((r) => [r.metric.id, r.error.code])).toEqual([['pxap', 'missing-ground-truth']])
  })

  test('aborts are heard between runs', async () => {
    const controller = new AbortController()
    const onProgress = (): void => controller.abort()
    const work = measure(model, image, made, 'deletion', { batch: 2, signal: controller.signal, onProgress })
    expect((await errorOf(work)).code).toBe('aborted')
  })
})

test('progress is told to the end, and the cost beforehand', async () => {
  const told: (readonly [number, number])[] = []
  const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void => {
    told.push([done, total])
  }
  for (const id of [
    'deletion',
    'road',
    'mu-fidelity',
    'max-sensitivity',
    'arcc',
    'model-randomisation',
    'infidelity',
  ]) {
    told.length = 0
    const result = await measure(model, image, made, id, { onProgress })
    const { forwards, maps } = costOf(model, image, id)
    expect(told.at(-1), id).toEqual([forwards + maps, forwards + maps])
    expect(structuredClone(result)).toEqual(result)
  }
})

test.each([
  [{ method: 'integrated-gradients', options: { steps: 7 } }],
  [{ smooth: 'flip' }],
  [{ method: 'gradient', smooth: { kind: 'noise', samples: 3, seed: 5 } }],
  [{ layer: ['hidden', 'features'], fuse: 'mean' }],
  [{ method: 'layer-cam', layer: ['hidden', 'features'], like: 'pytorch-grad-cam' }],
] as const)('maps are made again as they were: %o', async (how) => {
  const explanation = await model.explain(image, { target: 2, ...how })
  const unchanged = { samples: 1, radius: 0 }
  expect((await measure(model, image, explanation, 'max-sensitivity', { options: unchanged })).value).toBeLessThan(1e-6)
})

test('models of a fixed batch are measured alike', async () => {
  const fixed = await Model.load(network({ batch: 2 }), runtime, { name: 'fixed' })
  const explanation = withMap(
    await fixed.explain(image),
    [SIDE, SIDE],
    mapOf(SIDE, SIDE, (y, x) => y * x),
  )
  const free = withMap(
    made,
    [SIDE, SIDE],
    mapOf(SIDE, SIDE, (y, x) => y * x),
  )
  for (const id of ['deletion', 'infidelity', 'max-sensitivity']) {
    const [a, b] = [await measure(fixed, image, explanation, id), await measure(model, image, free, id)]
    expect(a.value).toBeCloseTo(b.value, 5)
  }
  await fixed.release()
})

describe('ground truth', () => {
  // a picture of 40 x 20 whose middle square became an input of 10 x 10
  const geometry = {
    source: { width: 40, height: 20 },
    model: { width: 10, height: 10 },
    seen: { x0: 10, y0: 0, x1: 30, y1: 20 },
  }
  const asking = { id: 'pxap', needs: 'mask' } as const

  test('boxes of the picture lie on the input, cut off at what was seen', () => {
    const truth = truthOn(geometry, { boxes: [{ x0: 0, y0: 4, x1: 14, y1: 8 }] }, asking)
    expect(truth.boxes()).toEqual([{ x0: 0, y0: 2, x1: 2, y1: 4 }])
    expect([...truth.mask().entries()].filter(([, v]) => v).map(([i]) => i)).toEqual([20, 21, 30, 31])
  })

  test('masks of the picture are read at the centres of places, and have a box', () => {
    const data = mapOf(20, 40, (y, x) => (y >= 4 && y < 8 && x < 14 ? 1 : 0))
    const truth = truthOn(geometry, { masks: [{ width: 40, height: 20, data }] }, asking)
    expect(truth.boxes()).toEqual([{ x0: 0, y0: 2, x1: 2, y1: 4 }])
  })

  test('what is ignored does not count', async () => {
    const [object, other] = [mapOf(SIDE, SIDE, (y) => (y < 3 ? 1 : 0)), mapOf(SIDE, SIDE, (y) => (y >= 6 ? 1 : 0))]
    const map = withMap(
      made,
      [SIDE, SIDE],
      mapOf(SIDE, SIDE, (y) => (y < 3 ? 0.5 : y >= 6 ? 1 : 0)),
    )
    const mask = (data: Float32Array) => ({ width: SIDE, height: SIDE, data })
    const truth = { masks: [mask(object)], in: 'input' } as const
    const all = await measure(model, image, map, 'pxap', { truth })
    const some = await measure(model, image, map, 'pxap', { truth: { ...truth, ignore: mask(other) } })
    expect([all.value, some.value]).toEqual([1 / 3, 1])
  })
})

describe('pooling', () => {
  const results = async (ids: readonly string[], at: readonly number[]) => {
    const found = []
    for (const id of ids)
      for (const x of at) {
        const map = withMap(
          made,
          [SIDE, SIDE],
          mapOf(SIDE, SIDE, (y, column) => (y < 4 && column >= x && column < x + 4 ? 1 : 0.2)),
        )
        const truth = { boxes: [{ x0: 0, y0: 0, x1: 4, y1: 4 }], in: 'input' } as const
        found.push(await measure(model, image, map, id, { truth }))
      }
    return found
  }

  test('is the mean, with an interval by Student', async () => {
    const pooled = aggregate(await results(['energy-pointing-game'], [0, 2, 8]))
    expect(pooled.count).toBe(3)
    const [a, b, c] = [0, 2, 8].map((x) => (0.8 * Math.max(0, 4 - x) * 4 + 0.2 * 16) / (0.8 * 16 + 0.2 * 144))
    const mean = ((a ?? 0) + (b ?? 0) + (c ?? 0)) / 3
    expect(pooled.value).toBeCloseTo(mean, 6)
    expect(pooled.interval[1] - pooled.value).toBeCloseTo((4.303 * pooled.deviation) / Math.sqrt(3), 6)
  })

  test('of MaxBoxAcc is at the threshold that is best for all', async () => {
    const pooled = aggregate(await results(['max-box-acc'], [0, 1, 8]))
    expect(pooled.value).toBeCloseTo(2 / 3, 6)
    expect(pooled.interval[0]).toBeLessThan(pooled.interval[1])
  })

  test('of one metric alone', async () => {
    const two = await results(['pxap', 'pointing-game'], [0])
    expect(() => aggregate(two)).toThrow(/several metrics/)
    expect(() => aggregate([])).toThrow(/no results/)
  })
})

test('a mosaic holds its pictures in cells, scaled where the input has one size', async () => {
  const { image: tiles, cells } = mosaic(
    model,
    [1, 2, 3, 4].map((seed) => float32([1, 3, SIDE, SIDE], new Float32Array(3 * SIDE * SIDE).fill(seed))),
  )
  expect(tiles.dims).toEqual([1, 3, SIDE, SIDE])
  expect(cells[3]).toEqual({ x0: 6, y0: 6, x1: 12, y1: 12 })
  expect([tiles.data[0], tiles.data[11], tiles.data[SIDE * 11], tiles.data[SIDE * SIDE - 1]]).toEqual([1, 2, 3, 4])
  const tilesMade = await model.explain(tiles, { target: 0 })
  const explanation = withMap(
    tilesMade,
    [SIDE, SIDE],
    mapOf(SIDE, SIDE, (y, x) => y * x - 20),
  )
  const shares = await Promise.all(
    cells.map(async (cell) => {
      const truth = { boxes: [cell], in: 'input' } as const
      return (await measure(model, tiles, explanation, 'grid-pointing-game', { truth })).value
    }),
  )
  expect(shares.reduce((a, v) => a + v, 0)).toBeCloseTo(1, 5)
  expect(() => mosaic(model, [image, image])).toThrow(/2 pictures do not fill a square/)
})

test('weights are drawn anew from the logits down, each value kept', () => {
  const graph = network()
  const layers = weightLayers(graph, 'logits')
  expect(layers.map((l) => l.weights)).toEqual([['w', 'c'], ['w2'], ['w1', 'b1']])
  const [, second] = layers
  const other = redrawn(graph, second ? [second] : [], 3)
  const numbers = (g: typeof graph, name: string): readonly number[] => [
    ...((g.constant(name)?.data ?? []) as Float32Array),
  ]
  expect(numbers(other, 'w')).toEqual(numbers(graph, 'w'))
  expect(numbers(other, 'w2')).not.toEqual(numbers(graph, 'w2'))
  expect(numbers(other, 'w2').toSorted((a, b) => a - b)).toEqual(numbers(graph, 'w2').toSorted((a, b) => a - b))
  expect(numbers(redrawn(graph, layers, 3), 'w2')).toEqual(numbers(other, 'w2'))
  expect(numbers(redrawn(graph, layers, 4), 'w2')).not.toEqual(numbers(other, 'w2'))
})

test('a plane that is straight is filled straight, whatever is taken', () => {
  const [height, width] = [20, 24]
  const plane = Float64Array.from({ length: height * width }, (_, i) => 3 * (i % width) - 2 * Math.floor(i / width))
  const kept = Uint8Array.from(plane, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width]
    return y > 2 && y < 17 && x > 1 && x < 20 ? 0 : 1
  })
  const imputer = new Imputer(kept, height, width)
  const values = imputer.fill(plane)
  for (const [k, place] of imputer.taken.entries()) expect(values[k]).toBeCloseTo(plane[place] ?? 0, 4)
})

test('regions touch at corners, holes have boxes, outlines go through centres', () => {
  const rows = ['#####....', '#...#....', '#.#.#..##', '#...#..##', '#####.#..']
  const mask = Uint8Array.from(rows.join(''), (c) => (c === '#' ? 1 : 0))
  const regions = regionsOf(mask, 9, 5)
  expect(regions.map((r) => [r.isHole, r.places, r.outlined])).toEqual([
    [false, 16, 16],
    [false, 1, 0],
    [false, 5, 1],
    [true, 8, 0],
  ])
  expect(regions[3]?.box).toEqual({ x0: 0, y0: 0, x1: 5, y1: 5 })
})

test('boxes of MaxBoxAcc count the pixels at both ends, and the largest outline is not the most places', async () => {
  const map = withMap(
    made,
    [SIDE, SIDE],
    mapOf(SIDE, SIDE, (y, x) => (y < 2 && x < 2 ? 1 : 0)),
  )
  const truth = { boxes: [{ x0: 0, y0: 0, x1: 4, y1: 4 }], in: 'input' } as const
  // 3 x 3 of 5 x 5 is enough for 0.3; 2 x 2 of 4 x 4 would not be
  expect((await measure(model, image, map, 'max-box-acc-v2', { truth })).value).toBeCloseTo(1 / 3, 6)
  const isRing = (y: number, x: number): boolean => y < 7 && x < 7 && (y % 6 === 0 || x % 6 === 0)
  const mask = Uint8Array.from(mapOf(20, 20, (y, x) => (isRing(y, x) || (y > 13 && x > 13) ? 1 : 0)))
  const [largest] = LARGEST(regionsOf(mask, 20, 20))
  expect([largest?.places, largest?.outlined]).toEqual([24, 36])
})

test('a point is a hit where it is closer than the tolerance', async () => {
  // 3 places right of the object
  const map = withMap(
    made,
    [SIDE, SIDE],
    mapOf(SIDE, SIDE, (y, x) => (y === 2 && x === 6 ? 1 : 0)),
  )
  const truth = { boxes: [{ x0: 0, y0: 0, x1: 4, y1: 4 }], in: 'input' } as const
  const hits = []
  for (const tolerance of [0, 3, 4]) {
    const { value, parts } = await measure(model, image, map, 'pointing-game', { truth, options: { tolerance } })
    hits.push([value, parts?.exact])
  }
  expect(hits).toEqual([
    [0, 0],
    [0, 0],
    [1, 0],
  ])
})
