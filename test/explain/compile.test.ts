/** What a compiled model promises. */
import { describe, expect, test } from 'vitest'
import { float32, int64 } from '../../src/core/tensor.js'
import { compile, VERSION } from '../../src/explain/index.js'
import { declare } from '../../src/onnx/builder.js'
import { encode } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { declaredShapes, valueInfo } from '../../src/onnx/shapes.js'
import { probe } from '../../src/passes/probe.js'
import { mapsOf, planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { network, picture, SIDE } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

describe('the contract', () => {
  test('own inputs and outputs, then target and heatmap', async () => {
    const { graph } = await planOf(network())
    expect(graph.inputs.map(valueInfo)).toEqual([
      { name: 'x', type: 'float32', dims: ['N', 3, SIDE, SIDE] },
      { name: 'target', type: 'int64', dims: ['targets'] },
    ])
    expect(graph.outputs.map(valueInfo)).toEqual([
      { name: 'logits', type: 'float32', dims: ['N', 4] },
      { name: 'heatmap', type: 'float32', dims: ['targets', 6, 6] },
    ])
  })

  test("the answer is the model's own", async () => {
    const graph = network()
    const x = picture(5, 2)
    const { logits } = await mapsOf(graph, x, [0, 1])
    expect(relativeL2(numbers(logits), numbers((await run(graph, { x })).logits))).toBeLessThan(1e-6)
  })

  test('-1 is the best answer', async () => {
    const graph = network({ classes: 12, head: 'flatten-gemm' })
    const black = float32([1, 3, SIDE, SIDE])
    const pictures = [
      black,
      picture(6),
      picture(7),
      float32(
        black.dims,
        picture(6).data.map((v) => -9 * v),
      ),
    ]
    const x = float32(
      [4, 3, SIDE, SIDE],
      pictures.flatMap((p) => [...p.data]),
    )
    const { logits, heatmap } = await mapsOf(graph, x, [-1, -1, -1, -1])
    const best = pictures.map((_, n) => {
      const row = numbers(logits).slice(n * 12, n * 12 + 12)
      return row.indexOf(Math.max(...row))
    })
    expect(new Set(best).size).toBeGreaterThan(1)
    expect(numbers((await mapsOf(graph, x, best)).heatmap)).toEqual(numbers(heatmap))
  })

  test('one picture with k targets gives the maps of k pictures', async () => {
    const graph = network()
    const x = picture(7)
    const thrice = float32([3, 3, SIDE, SIDE], [...x.data, ...x.data, ...x.data])
    for (const method of ['grad-cam', 'gradient', 'guided-grad-cam']) {
      const one = await mapsOf(graph, x, [2, 0, 3], { method })
      const three = await mapsOf(graph, thrice, [2, 0, 3], { method })
      expect(one.heatmap?.dims).toEqual(three.heatmap?.dims)
      expect(relativeL2(numbers(one.heatmap), numbers(three.heatmap))).toBeLessThan(1e-6)
    }
  })

  test('a batch of n is n runs', async () => {
    const graph = network()
    const x = picture(8, 3)
    for (const method of ['cam', 'grad-cam', 'guided-backpropagation', 'deconvnet', 'input-x-gradient']) {
      const all = numbers((await mapsOf(graph, x, [1, 3, 0], { method })).heatmap)
      const size = all.length / 3
      for (const [n, target] of [1, 3, 0].entries()) {
        const own = float32([1, 3, SIDE, SIDE], x.data.slice(n * 3 * SIDE * SIDE, (n + 1) * 3 * SIDE * SIDE))
        const single = numbers((await mapsOf(graph, own, [target], { method })).heatmap)
        expect(relativeL2(all.slice(n * size, (n + 1) * size), single)).toBeLessThan(1e-5)
      }
    }
  })

  test('a model of fixed batch', async () => {
    const x = picture(9)
    for (const method of ['grad-cam', 'gradient']) {
      const { graph, batched } = await planOf(network({ batch: 1 }), { method })
      expect(batched).toBe(false)
      expect(graph.inputs.map((i) => valueInfo(i).dims)).toEqual([[1, 3, SIDE, SIDE], [1]])
      expect(valueInfo(graph.outputs[1] ?? declare('none')).dims?.[0]).toBe(1)
      const fixed = await run(graph, { x, target: int64([1], [2]) })
      const free = await mapsOf(network(), x, [2], { method })
      expect(relativeL2(numbers(fixed.heatmap), numbers(free.heatmap))).toBeLessThan(1e-6)
    }
  })

  test('several methods: an output each', async () => {
    const { graph, maps } = await planOf(network(), { method: ['grad-cam', 'gradient'] })
    expect(graph.outputs.map((o) => o.name)).toEqual(['logits', 'heatmap/grad-cam', 'heatmap/gradient'])
    expect(maps.map((m) => [m.method.id, m.output, m.layer])).toEqual([
      ['grad-cam', 'heatmap/grad-cam', 'features'],
      ['gradient', 'heatmap/gradient', undefined],
    ])
    const out = await run(graph, { x: picture(1), target: int64([1], [0]) })
    for (const method of ['grad-cam', 'gradient'])
      expect(
        relativeL2(
          numbers(out[`heatmap/${method}`]),
          numbers((await mapsOf(network(), picture(1), [0], { method })).heatmap),
        ),
      ).toBeLessThan(1e-6)
  })

  test('metadata says what was done', async () => {
    const { graph } = await planOf(network(), { relu: true, upsample: true })
    expect(Object.fromEntries(graph.metadata)).toEqual({
      'onnxplain.version': VERSION,
      'onnxplain.method': 'grad-cam',
      'onnxplain.layer': 'features',
      'onnxplain.input': 'x',
      'onnxplain.target': expect.stringContaining('logit'),
      'onnxplain.steps': 'relu,upsample',
    })
    expect((await planOf(network())).graph.metadata.get('onnxplain.steps')).toBe('raw')
  })

  test('a value of the model that is called heatmap already', async () => {
    const graph = network()
    const rename = (v: string): string => (v === 'hidden' ? 'heatmap' : v)
    const named = graph.with({
      nodes: graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map(rename), outputs: n.outputs.map(rename) })),
    })
    const { graph: compiled, maps } = await planOf(named)
    const x = picture(2)
    const out = await run(compiled, { x, target: int64([1], [1]) })
    const want = numbers((await mapsOf(graph, x, [1])).heatmap)
    expect(relativeL2(numbers(out[maps[0]?.output ?? '']), want)).toBeLessThan(1e-6)
  })

  test('a value of the model that is called target already is not mistaken: the input has another name', async () => {
    const graph = network()
    const rename = (v: string): string => (v === 'hidden' ? 'target' : v)
    const named = graph.with({
      nodes: graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map(rename), outputs: n.outputs.map(rename) })),
    })
    const { graph: compiled, targetInputs } = await planOf(named)
    const target = targetInputs[0]?.name ?? ''
    const x = picture(2)
    const out = await run(compiled, { x, [target]: int64([1], [1]) })
    const want = numbers((await mapsOf(graph, x, [1])).heatmap)
    expect(relativeL2(numbers(out.heatmap), want)).toBeLessThan(1e-6)
  })
})

describe('compile', () => {
  test('is pure: the same bytes twice, and the model untouched', async () => {
    const graph = network()
    const before = encode(graph)
    const shapes = await probe(graph, runtime)
    const bytes = [1, 2].map(() => encode(compile(graph, { shapes }).graph))
    expect(bytes[0]).toEqual(bytes[1])
    expect(encode(graph)).toEqual(before)
  })

  /** conv -> relu, `depth` times. */
  const tower = (depth: number): Graph => {
    const nodes = Array.from({ length: depth }, (_, i): NodeSpec[] => [
      { op: 'Conv', inputs: [`v${i}`, 'w'], outputs: [`c${i}`], attributes: { pads: [1, 1, 1, 1] } },
      { op: 'Relu', inputs: [`c${i}`], outputs: [`v${i + 1}`] },
    ]).flat()
    const input = declare('v0', 'float32', ['N', 3, 8, 8])
    return model({
      opset: 18,
      nodes: [
        ...nodes,
        { op: 'GlobalAveragePool', inputs: [`v${depth}`], outputs: ['pooled'] },
        { op: 'Flatten', inputs: ['pooled'], outputs: ['logits'] },
      ],
      inputs: [input],
      outputs: [declare('logits', 'float32', ['N', 3])],
      initializers: { w: float32([3, 3, 3, 3]) },
    })
  }

  test('the gradient graph grows with the network, no faster', async () => {
    const count = async (depth: number): Promise<number> =>
      (await planOf(tower(depth), { method: 'gradient' })).graph.nodes.length
    const [four, eight, twelve] = [await count(4), await count(8), await count(12)]
    expect(twelve - eight).toBe(eight - four)
    // of a layer two forward and seven back, of which ONNX Runtime folds the four that turn the kernel
    expect((eight - four) / 4).toBeLessThan(10)
  })

  test('Grad-CAM walks back to its layer only', async () => {
    const added = async (depth: number): Promise<number> =>
      (await planOf(tower(depth))).graph.nodes.length - tower(depth).nodes.length
    expect(await added(12)).toBe(await added(4))
  })

  test('a driven method cannot be compiled', async () => {
    expect(await refusal(planOf(network(), { method: 'occlusion' }))).toMatchObject({ code: 'method-not-applicable' })
  })

  test('an unknown method names the nearest', async () => {
    const error = await refusal(planOf(network(), { method: 'gradcm' }))
    expect(error.code).toBe('unknown-method')
    expect(error.message).toContain('"grad-cam"')
  })

  test('a method may be written without its hyphens', async () => {
    expect((await planOf(network(), { method: 'GradCAM' })).maps[0]?.method.id).toBe('grad-cam')
  })

  test('every node without a rule is listed', async () => {
    const graph = model({
      opset: 18,
      nodes: [
        { op: 'Warp', domain: 'test', inputs: ['x'], outputs: ['a'] },
        { op: 'Relu', inputs: ['a'], outputs: ['b'] },
        { op: 'Bend', domain: 'test', inputs: ['b'], outputs: ['c'] },
        { op: 'Warp', domain: 'test', inputs: ['c'], outputs: ['logits'] },
        { op: 'Aside', domain: 'test', inputs: ['b'], outputs: ['unused'] },
      ],
      inputs: [declare('x', 'float32', ['N', 3, 8, 8])],
      outputs: [declare('logits', 'float32', ['N', 4])],
    })
    const error = await refusal(() => compile(graph, { method: 'gradient', shapes: declaredShapes(graph) }))
    expect(error.code).toBe('unsupported-operator')
    for (const name of ['test.Warp "Warp_a"', 'test.Bend "Bend_c"', 'test.Warp "Warp_logits"'])
      expect(error.message).toContain(name)
    expect(error.message).not.toContain('Aside')
    expect(error.details.nodes).toHaveLength(3)
    expect(error.message).toContain('occlusion')
  })
})
