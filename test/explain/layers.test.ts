/** Layers of a compiled model, and the steps behind a raw map. */
import { describe, expect, test } from 'vitest'
import { sliceFirst } from '../../src/core/tensor.js'
import { type CompileOptions, compile, Model } from '../../src/explain/index.js'
import { METHODS } from '../../src/methods/index.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { encode } from '../../src/onnx/encode.js'
import { probe } from '../../src/passes/probe.js'
import { mapsOf, planOf, refusal } from '../support/compiled.js'
import { pathOf, readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { network, picture, SIDE } from '../support/networks.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'
import { numbers } from '../support/run.js'

describe('layers', () => {
  test('the last feature map is the default', async () => {
    expect((await planOf(network())).maps[0]?.layer).toBe('features')
    expect((await planOf(network({ head: 'flatten-gemm' }))).maps[0]?.layer).toBe('features')
  })

  test('another may be chosen', async () => {
    const x = picture(3)
    const other = await mapsOf(network(), x, [1], { layer: 'hidden' })
    expect(other.heatmap?.dims).toEqual([1, 6, 6])
    expect(relativeL2(numbers(other.heatmap), numbers((await mapsOf(network(), x, [1])).heatmap))).toBeGreaterThan(0.1)
  })

  test('an unknown one names the nearest', async () => {
    const error = await refusal(planOf(network(), { layer: 'feature' }))
    expect(error).toMatchObject({ code: 'unknown-layer', details: { layer: 'feature' } })
    expect(error.message).toContain('"features"')
  })

  test('a value that is no feature map is refused, with its shape', async () => {
    const error = await refusal(planOf(network(), { layer: 'logits' }))
    expect(error.code).toBe('unknown-layer')
    expect(error.message).toContain('[N, 4]')
  })

  test('cam without global pooling refuses and names grad-cam', async () => {
    const error = await refusal(planOf(network({ head: 'flatten-gemm' }), { method: 'cam' }))
    expect(error.code).toBe('method-not-applicable')
    expect(error.message).toContain('grad-cam')
  })

  test('cam at another layer refuses', async () => {
    const error = await refusal(planOf(network(), { method: 'cam', layer: 'hidden' }))
    expect(error.code).toBe('method-not-applicable')
    expect(error.message).toContain('"features"')
  })

  test('asked for several methods, what does not apply is kept beside the others', async () => {
    const { maps, refused } = await planOf(network({ head: 'flatten-gemm' }), { method: ['cam', 'grad-cam'] })
    expect(maps.map((m) => m.method.id)).toEqual(['grad-cam'])
    expect(refused.map((r) => [r.method.id, r.error.code])).toEqual([['cam', 'method-not-applicable']])
  })
})

describe('several layers', () => {
  const both = ['features', 'hidden']
  const x = picture(3)

  test('have an output each, method by method, in the order that was asked for', async () => {
    const one = await planOf(network(), { layer: both })
    expect(one.maps.map((m) => [m.output, m.layer])).toEqual([
      ['heatmap/features', 'features'],
      ['heatmap/hidden', 'hidden'],
    ])
    const several = await planOf(network(), { method: ['grad-cam', 'gradient', 'layer-cam'], layer: both })
    expect(several.maps.map((m) => [m.output, m.layer])).toEqual([
      ['heatmap/grad-cam/features', 'features'],
      ['heatmap/grad-cam/hidden', 'hidden'],
      ['heatmap/gradient', undefined],
      ['heatmap/layer-cam/features', 'features'],
      ['heatmap/layer-cam/hidden', 'hidden'],
    ])
    expect(several.graph.metadata.get('onnxplain.layer')).toBe('features,hidden')
    expect(several.graph.metadata.get('onnxplain.method')).toBe('grad-cam,gradient,layer-cam')
  })

  test('one in a list, or twice, is one', async () => {
    const { maps, graph } = await planOf(network(), { layer: ['hidden', 'hidden'] })
    expect(maps.map((m) => [m.output, m.layer])).toEqual([['heatmap', 'hidden']])
    expect(encode(graph)).toEqual(encode((await planOf(network(), { layer: 'hidden' })).graph))
    expect((await planOf(network(), { layer: [] })).maps[0]?.layer).toBe('features')
  })

  test.each(METHODS.flatMap((m) => (m.kind === 'compiled' && m.atLayer && m.id !== 'cam' ? [m.id] : [])))(
    '%s: the maps are those of each layer alone, for several targets',
    async (method) => {
      for (const end of [undefined, 'Softmax']) {
        const out = await mapsOf(network({ ...(end && { end }) }), x, [1, 3, -1], { method, layer: both })
        for (const layer of both) {
          const alone = await mapsOf(network({ ...(end && { end }) }), x, [1, 3, -1], { method, layer })
          const got = out[`heatmap/${layer}`]
          expect(got?.dims).toEqual(alone.heatmap?.dims)
          expect(relativeL2(numbers(got), numbers(alone.heatmap))).toBeLessThan(1e-5)
        }
      }
    },
  )

  test('share the forward pass from the first of them on, in whatever order they are named', async () => {
    for (const layer of [both, [...both].reverse()]) {
      const { graph, sharesForward } = await planOf(network(), { layer })
      expect(sharesForward).toBe(true)
      expect(graph.producer('hidden')?.op).toBe('Expand')
      expect(graph.producer('features')?.op).toBe('Relu')
    }
  })

  test('share the walk back', async () => {
    const walked = async (layer: string | readonly string[]): Promise<number> => {
      const { graph } = await planOf(network(), { method: ['grad-cam', 'hires-cam'], layer })
      return graph.nodes.filter((n) => n.name.includes('gradient/')).length
    }
    expect(await walked('features')).toBeGreaterThan(0)
    expect(await walked(both)).toBe(await walked('hidden'))
  })

  test('an unknown one among them is an error', async () => {
    expect(await refusal(planOf(network(), { layer: ['features', 'hiden'] }))).toMatchObject({
      code: 'unknown-layer',
      details: { layer: 'hiden' },
    })
  })

  test('what does not apply at one of them is kept beside the others, with the layer', async () => {
    const { maps, refused } = await planOf(network(), { method: 'cam', layer: both })
    expect(maps.map((m) => m.layer)).toEqual(['features'])
    expect(refused.map((r) => [r.method.id, r.layer, r.error.code])).toEqual([
      ['cam', 'hidden', 'method-not-applicable'],
    ])
  })

  test('what has no rule before one of them does not keep the later ones from theirs', async () => {
    const graph = network()
    const warped = graph.with({
      nodes: graph.nodes.map((n) => (n.outputs[0] === 'conv2' ? { ...n, op: 'Warp', domain: 'test' } : n)),
    })
    const plan = compile(warped, { layer: both, shapes: await probe(graph, runtime) })
    expect(plan.maps.map((m) => m.layer)).toEqual(['features'])
    expect(plan.refused.map((r) => [r.layer, r.error.code])).toEqual([['hidden', 'unsupported-operator']])
  })

  test('beside the way to the answer: nothing is shared, and the maps are right', async () => {
    const graph = network()
    const side = graph.nodes.filter((n) => n.outputs[0] === 'conv2')
    const aside = graph.with({
      nodes: [...graph.nodes, ...side.map((n) => ({ ...n, outputs: ['side'], name: 'side' }))],
      outputs: [...graph.outputs, declare('side', 'float32', ['N', 5, 6, 6])],
    })
    for (const layer of [
      ['features', 'side'],
      ['side', 'hidden'],
      ['hidden', 'side'],
    ]) {
      const out = await mapsOf(aside, x, [0, 2], { method: 'eigen-cam', layer })
      for (const at of layer) {
        const alone = await mapsOf(aside, x, [0, 2], { method: 'eigen-cam', layer: at })
        expect([at, out[`heatmap/${at}`]?.dims]).toEqual([at, alone.heatmap?.dims])
        expect(relativeL2(numbers(out[`heatmap/${at}`]), numbers(alone.heatmap))).toBeLessThan(1e-5)
      }
    }
  })

  test.each([
    ['networks/resnet', 'networks/input', [0, 1]],
    ['networks/densenet', 'networks/input', [2, 0]],
    ['tokens/registers', 'tokens/input', [1, 3]],
    ['tokens/swin', 'tokens/input', [0, 2]],
  ])('%s: all of its feature maps in one run', async (name, input, target) => {
    const loaded = await Model.load(decode(readBytes(`test/fixtures/${name}.onnx`)), runtime, { name: 'test' })
    const given = readNpyFloat32(pathOf(`test/fixtures/${input}.npy`))
    const x = given.dims.length > 3 ? sliceFirst(given, 0) : given
    const layer = loaded.inspect().layers.map((l) => l.name)
    expect(layer.length).toBeGreaterThan(5)
    const { explanations } = await loaded.explainAll(x, { method: ['grad-cam', 'hires-cam'], target, layer })
    expect(explanations.map((e) => [e.method.id, e.raw.layer, e.answer.index])).toEqual(
      ['grad-cam', 'hires-cam'].flatMap((m) => layer.flatMap((l) => target.map((t) => [m, l, t]))),
    )
    for (const e of explanations.filter((_, i) => i % 7 === 0)) {
      const at = e.raw.layer ?? ''
      const alone = await loaded.explain(x, { method: e.method.id, target: e.answer.index, layer: at })
      expect(e.raw.dims).toEqual(alone.raw.dims)
      expect(relativeL2(e.raw.data, alone.raw.data)).toBeLessThan(1e-4)
      expect([e.provenance.layer, e.provenance.tokens]).toEqual([at, alone.provenance.tokens])
    }
    await loaded.release()
  })

  test('a fixed batch has them all the same', async () => {
    const [fixed, free] = await Promise.all(
      [1, 'N'].map((batch) => Model.load(network({ batch }), runtime, { name: 'test' })),
    )
    const options = { target: [0, 2], layer: both }
    const [a, b] = [await fixed?.explainAll(x, options), await free?.explainAll(x, options)]
    expect(a?.explanations).toHaveLength(4)
    for (const [i, e] of (a?.explanations ?? []).entries())
      expect(relativeL2(e.raw.data, b?.explanations[i]?.raw.data ?? [])).toBeLessThan(1e-5)
  })
})

describe('steps', () => {
  const x = picture(11)
  const raw = async (options: CompileOptions = {}): Promise<number[]> =>
    numbers((await mapsOf(network(), x, [1], options)).heatmap)

  test('relu keeps the positive part', async () => {
    const plain = await raw()
    expect(plain.some((v) => v < 0)).toBe(true)
    expect(await raw({ relu: true })).toEqual(plain.map((v) => Math.max(v, 0)))
  })

  test('normalize divides by the largest absolute value', async () => {
    const plain = await raw()
    const size = Math.max(...plain.map(Math.abs))
    expect(
      relativeL2(
        await raw({ normalize: true }),
        plain.map((v) => v / size),
      ),
    ).toBeLessThan(1e-6)
  })

  test('normalize leaves a blank map blank', async () => {
    const dark = network({ activation: { op: 'Relu' } })
    const silent = dark.with({
      initializers: new Map(
        [...dark.initializers].map(([n, t]) => [
          n,
          n === 'w2' ? { ...t, rawData: new Uint8Array(t.rawData.byteLength) } : t,
        ]),
      ),
    })
    expect(numbers((await mapsOf(silent, x, [1], { normalize: true })).heatmap).every((v) => v === 0)).toBe(true)
  })

  test('upsample is bilinear with half-pixel centres', async () => {
    const plain = await raw()
    const { heatmap } = await mapsOf(network(), x, [1], { upsample: true })
    expect(heatmap?.dims).toEqual([1, SIDE, SIDE])
    const at = (y: number, x: number): number => {
      const clamp = (v: number): number => Math.min(5, Math.max(0, v))
      const [fy, fx] = [clamp((y + 0.5) / 2 - 0.5), clamp((x + 0.5) / 2 - 0.5)]
      const [y0, x0] = [Math.floor(fy), Math.floor(fx)]
      const value = (j: number, i: number): number => plain[clamp(j) * 6 + clamp(i)] ?? 0
      const top = value(y0, x0) * (1 - (fx - x0)) + value(y0, x0 + 1) * (fx - x0)
      const bottom = value(y0 + 1, x0) * (1 - (fx - x0)) + value(y0 + 1, x0 + 1) * (fx - x0)
      return top * (1 - (fy - y0)) + bottom * (fy - y0)
    }
    const want = Array.from({ length: SIDE * SIDE }, (_, i) => at(Math.floor(i / SIDE), i % SIDE))
    expect(relativeL2(numbers(heatmap), want)).toBeLessThan(1e-5)
  })

  test('the steps do not change a map of pixels in size', async () => {
    const { heatmap } = await mapsOf(network(), x, [1], { method: 'gradient', upsample: true, relu: true })
    expect(heatmap?.dims).toEqual([1, 3, SIDE, SIDE])
    expect(numbers(heatmap).every((v) => v >= 0)).toBe(true)
  })
})
