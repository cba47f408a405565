/** Many pictures, methods and metrics: rows, pooled cells, mean curves. */
import { describe, expect, test } from 'vitest'
import { Model } from '../../src/explain/index.js'
import { type ComparedRow, comparePicture, meanCurve, measure, pooled } from '../../src/metrics/index.js'
import { refusal } from '../support/compiled.js'
import { network, picture } from '../support/networks.js'
import { runtime } from '../support/ort.js'

const load = (): Promise<Model> => Model.load(network(), runtime, { name: 'test' })
const metrics = ['deletion', 'sparseness', 'pointing-game']

describe('rows', () => {
  test('each method by each metric, as measured alone; what does not fit says why', async () => {
    const model = await load()
    const methods = ['grad-cam', 'gradient']
    const options = { methods, metrics, target: 2, metricOptions: { step: 36 } }
    const rows = await comparePicture(model, 'a.png', picture(4), options)
    expect(rows.map((r) => [r.method, r.metric])).toEqual(methods.flatMap((m) => metrics.map((id) => [m, id])))
    expect(new Set(rows.map((r) => r.target.index))).toEqual(new Set([2]))
    const explanation = await model.explain(picture(4), { target: 2, method: 'gradient' })
    const alone = await measure(model, picture(4), explanation, 'deletion', { options: { step: 36 } })
    expect(rows[3]).toMatchObject({ value: alone.value, curve: alone.curve, options: { step: 36 } })
    expect(rows[2]).toMatchObject({ value: null })
    expect(rows[2]?.refused).toContain('boxes')
    const truth = { boxes: [{ x0: 0, y0: 0, x1: 12, y1: 12 }], in: 'input' } as const
    const [known] = await comparePicture(model, 'a.png', picture(4), {
      ...options,
      metricOptions: {},
      metrics: ['pointing-game'],
      truth,
    })
    expect(known?.value).toBe(1)
  })

  test.each([
    [{ methods: [], metrics }, 'methods'],
    [{ methods: ['grad-cam'], metrics: [] }, 'metrics'],
    [{ methods: ['grad-cam'], metrics: ['deletion'], options: { step: 3 } }, 'step'],
    [{ methods: ['grad-cam'], metrics: ['deletion'], metricOptions: { stp: 3 } }, 'stp'],
    [{ methods: ['grad-cam'], metrics: ['deletoin'] }, 'deletion'],
  ])('%j is refused before anything is run', async (options, word) => {
    expect((await refusal(comparePicture(await load(), 'a', picture(4), options))).message).toContain(word)
  })
})

describe('together', () => {
  const row = (picture: string, value: number | null, y: readonly number[] = []): ComparedRow => ({
    picture,
    method: 'grad-cam',
    metric: 'deletion',
    target: { index: 0, label: 'a' },
    options: { step: 36 },
    value,
    ...(y.length > 0 ? { curve: { x: y.map((_, i) => i), y } } : {}),
  })

  test('means, deviations and intervals by Student; pictures without a value are left out', () => {
    const [cell] = pooled([row('a', 1), row('b', 2), row('c', 6), row('d', null)])
    expect(cell).toMatchObject({ method: 'grad-cam', count: 3, value: 3 })
    expect(cell?.deviation).toBeCloseTo(Math.sqrt(7), 9)
    expect(cell?.interval[1]).toBeCloseTo(3 + (4.303 * Math.sqrt(7)) / Math.sqrt(3), 3)
  })

  test('curves are meant point by point, where they are of one step', () => {
    const rows = [row('a', 1, [1, 2, 3]), row('b', 1, [3, 2, 1]), row('c', 1)]
    expect(meanCurve(rows, 'grad-cam', 'deletion')).toEqual({ x: [0, 1, 2], y: [2, 2, 2], count: 2 })
    expect(meanCurve([...rows, row('d', 1, [1, 2])], 'grad-cam', 'deletion')).toBeUndefined()
    expect(meanCurve(rows, 'gradient', 'deletion')).toBeUndefined()
  })
})
