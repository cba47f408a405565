/** What runs along axes, held to what the operators really do: a map seen through any rearrangement must come back unchanged. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { int64, type Tensor } from '../../src/core/tensor.js'
import { type Network, networkOf } from '../../src/methods/layers.js'
import { keyOf } from '../../src/methods/layout/axes.js'
import { candidates, parseGrid, printGrid } from '../../src/methods/layout/grid.js'
import { channelsFirstView, mapForm } from '../../src/methods/layout/view.js'
import { Builder, declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const SIZES = [2, 3, 4, 6]

/** A chain of operators from `x` to `y`; `$` in inputs stands for the value before. */
function chain(steps: readonly Omit<NodeSpec, 'outputs'>[], initializers: Readonly<Record<string, Tensor>>): Graph {
  const name = (i: number): string => (i < 0 ? 'x' : i === steps.length - 1 ? 'y' : `v${i}`)
  return model({
    opset: 18,
    nodes: steps.map((step, i) => ({
      ...step,
      inputs: step.inputs.map((input) => (input === '$' ? name(i - 1) : input)),
      outputs: [name(i)],
    })),
    inputs: [declare('x', 'float32', SIZES)],
    outputs: [declare('y', 'float32')],
    initializers,
  })
}

async function networkIn(graph: Graph): Promise<Network> {
  const picture = { name: 'x', layout: 'NCHW' }
  return networkOf({ graph, shapes: await probe(graph, runtime), picture, logits: 'y' })
}

/** `y` as `[N,C,H,W]`; undefined where nothing is known of it. */
async function seen(graph: Graph, x: Tensor): Promise<Tensor | undefined> {
  const network = await networkIn(graph)
  const layout = network.layouts.get('y')
  const form = layout && mapForm(layout, 2)
  if (!form) return undefined
  const b = new Builder(graph, network.shapes)
  const view = b.alias(channelsFirstView(b, 'y', { layout, form }), 'view')
  const out = await run(b.finish({ outputs: [declare(view, 'float32')] }), { x })
  return out.view
}

/** One random step: axes turned, two of them merged, or one split in two. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('turn' as const), seed: fc.nat(1000) }),
  fc.record({ kind: fc.constant('merge' as const), seed: fc.nat(1000) }),
  fc.record({ kind: fc.constant('split' as const), seed: fc.nat(1000) }),
)

function rearranged(random: readonly { readonly kind: string; readonly seed: number }[]): Graph {
  let dims = [...SIZES]
  const initializers: Record<string, Tensor> = {}
  const steps = random.flatMap(({ kind, seed }, n): Omit<NodeSpec, 'outputs'>[] => {
    const at = seed % dims.length
    if (kind === 'turn') {
      const perm = dims.map((_, i) => i)
      perm.splice(seed % perm.length, 0, ...perm.splice(at, 1))
      perm.push(...perm.splice((seed * 7) % perm.length, 1))
      dims = perm.map((p) => dims[p] ?? 0)
      return [{ op: 'Transpose', inputs: ['$'], attributes: { perm } }]
    }
    const size = dims[at] ?? 1
    const factor = [2, 3].find((f) => size % f === 0 && size > f)
    if (kind === 'merge' && at + 1 < dims.length) dims.splice(at, 2, size * (dims[at + 1] ?? 1))
    else if (kind === 'split' && factor !== undefined) dims.splice(at, 1, factor, size / factor)
    else return []
    initializers[`shape${n}`] = int64([dims.length], dims)
    return [{ op: 'Reshape', inputs: ['$', `shape${n}`] }]
  })
  return chain([...steps, { op: 'Neg', inputs: ['$'] }, { op: 'Neg', inputs: ['$'] }], initializers)
}

test('whatever turns, merges and splits axes is seen through, or nothing is said', async () => {
  const x = noise(1, ...SIZES)
  let known = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 7 }), async (steps) => {
      const view = await seen(rearranged(steps), x)
      if (!view) return
      known++
      expect(view.dims).toEqual(SIZES)
      expect(numbers(view)).toEqual(numbers(x))
    }),
    { seed: 3, numRuns: 60 },
  )
  expect(known).toBeGreaterThan(40)
})

describe('sequences', () => {
  const tokens = (...steps: readonly Omit<NodeSpec, 'outputs'>[]): Graph =>
    chain(
      [
        { op: 'Reshape', inputs: ['$', 'flat'] },
        { op: 'Transpose', inputs: ['$'], attributes: { perm: [0, 2, 1] } },
        ...steps,
      ],
      {
        flat: int64([3], [0, 0, -1]),
        two: noise(2, 2, 2, 3),
        one: noise(3, 2, 1, 3),
        ...Object.fromEntries([-1, 0, 1, 2, 26].map((v) => [`int${v}`, int64([1], [v])])),
      },
    )
  const x = noise(4, ...SIZES)

  test('others before and behind are cut off, wherever they were put and taken away', async () => {
    const graph = tokens(
      { op: 'Concat', inputs: ['two', '$', 'one'], attributes: { axis: 1 } },
      { op: 'Slice', inputs: ['$', 'int1', 'int26', 'int1'] },
      { op: 'Concat', inputs: ['$', 'one'], attributes: { axis: 1 } },
    )
    const { layouts } = await networkIn(graph)
    expect((layouts.get('y') ?? []).map(keyOf)).toEqual(['batch 2', '1+(0:4*1/4 1:6*1/6)+1', 'other 3'])
    expect(numbers(await seen(graph, x))).toEqual(numbers(x))
  })

  test('of a part of the places nothing is said', async () => {
    const graph = tokens(
      { op: 'Concat', inputs: ['one', '$'], attributes: { axis: 1 } },
      { op: 'Slice', inputs: ['$', 'int2', 'int26', 'int1'] },
    )
    expect(await seen(graph, x)).toBeUndefined()
  })

  test('nor where places are put together with places', async () => {
    expect(await seen(tokens({ op: 'Concat', inputs: ['$', '$'], attributes: { axis: 1 } }), x)).toBeUndefined()
  })

  test('attention leaves the places of its rows', async () => {
    const graph = tokens(
      { op: 'MatMul', inputs: ['$', 'v0'] },
      { op: 'Softmax', inputs: ['$'], attributes: { axis: -1 } },
      { op: 'MatMul', inputs: ['$', 'v1'] },
    )
    const { layouts } = await networkIn(graph)
    expect(mapForm(layouts.get('v3') ?? [], 2)).toBeUndefined()
    expect((layouts.get('y') ?? []).map(keyOf)).toEqual((layouts.get('v1') ?? []).map(keyOf))
  })
})

describe('a rolled map', () => {
  const halves = Object.fromEntries([0, 2, 3, 4].map((v) => [`int${v}`, int64([1], [v])]))
  const rolled = model({
    opset: 18,
    nodes: [
      { op: 'Slice', inputs: ['x', 'int3', 'int4', 'int2'], outputs: ['end'] },
      { op: 'Slice', inputs: ['x', 'int0', 'int3', 'int2'], outputs: ['start'] },
      { op: 'Concat', inputs: ['end', 'start'], outputs: ['y'], attributes: { axis: 2 } },
    ],
    inputs: [declare('x', 'float32', SIZES)],
    outputs: [declare('y', 'float32')],
    initializers: halves,
  })

  test('is none, and neither are its halves', async () => {
    const { layouts } = await networkIn(rolled)
    for (const value of ['start', 'end', 'y']) expect(mapForm(layouts.get(value) ?? [], 2)?.sizes).not.toEqual([4, 6])
    expect(await seen(rolled, noise(1, ...SIZES))).toBeUndefined()
  })
})

describe('a stated grid', () => {
  test.each(['14x14', '7x5+0', '16x8+5'])('%s is read as it is printed', (text) => {
    expect(printGrid(parseGrid(text))).toBe(text)
  })

  test.each([
    [197, 1, '14x14+1'],
    [198, 1, '14x14+2'],
    [196, 1, '14x14+0'],
    [261, 1, '16x16+5'],
    [141, 160 / 224, '14x10+1'],
  ])('%d tokens of a picture of aspect %d: %s comes first', (count, aspect, grid) => {
    expect(candidates(count, aspect)[0]).toBe(grid)
  })
})
