/** Networks of volumes, clips, signals and many channels against PyTorch's maps (fixtures of scripts/shape_fixtures.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/index.js'
import { decode } from '../../src/onnx/decode.js'
import { pathOf, readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { runtime } from '../support/ort.js'

const FOLDER = 'test/fixtures/shapes'

interface Network {
  readonly name: string
  readonly target: number
  readonly logits: readonly number[]
  readonly layer: string
}

const { networks }: { networks: readonly Network[] } = JSON.parse(readFileSync(pathOf(`${FOLDER}/shapes.json`), 'utf8'))

/** What the axes of each input are found to mean. */
const LAYOUTS: Readonly<Record<string, string>> = {
  clip3d: 'NCDHW',
  volume: 'NCDHW',
  frames: 'NDCHW',
  signal: 'NCW',
  bands: 'NCHW',
}

const array = (name: string, kind: string): Tensor<'float32'> => readNpyFloat32(pathOf(`${FOLDER}/${name}.${kind}.npy`))
const load = (name: string): Promise<Model> =>
  Model.load(decode(readBytes(`${FOLDER}/${name}.onnx`)), runtime, { name })

describe.each(networks.map((n) => [n.name, n] as const))('%s', (name, network) => {
  test('its axes are told, and its answers are PyTorch’s', async () => {
    const model = await load(name)
    expect([model.input.layout, model.preprocessing]).toEqual([LAYOUTS[name], undefined])
    const answers = await model.classify(array(name, 'input'), { top: network.logits.length })
    expect(answers[0]?.index).toBe(network.target)
    const want = answers.map((a) => network.logits[a.index] ?? Number.NaN)
    expect(
      relativeL2(
        answers.map((a) => a.logit),
        want,
      ),
    ).toBeLessThan(1e-5)
  })

  test('the gradient is PyTorch’s', async () => {
    const { raw } = await (await load(name)).explain(array(name, 'input'), { method: 'gradient' })
    expect(raw.dims).toEqual(array(name, 'gradient').dims)
    expect(relativeL2(raw.data, array(name, 'gradient').data)).toBeLessThan(1e-4)
  })

  test('Grad-CAM, at the layer found, is PyTorch’s', async () => {
    const cam = await (await load(name)).explain(array(name, 'input'), { method: 'grad-cam' })
    expect(cam.raw.layer).toBe(network.layer)
    expect(cam.raw.dims).toEqual(array(name, 'cam').dims)
    expect(relativeL2(cam.raw.data, array(name, 'cam').data)).toBeLessThan(1e-4)
  })

  test('several targets at once are those of one after the other', async () => {
    const model = await load(name)
    const x = array(name, 'input')
    for (const method of ['grad-cam', 'guided-grad-cam']) {
      const { explanations } = await model.explainAll(x, { method, target: [0, 3, 1] })
      for (const e of explanations) {
        const alone = await (await load(name)).explain(x, { method, target: e.answer.index })
        expect(e.raw.dims).toEqual(alone.raw.dims)
        expect(relativeL2(e.raw.data, alone.raw.data)).toBeLessThan(1e-5)
      }
    }
  })

  test('heat maps lie on every slice of the input', async () => {
    const model = await load(name)
    const x = array(name, 'input')
    const options = { method: ['gradient', 'grad-cam', 'occlusion'], options: { patch: 8, stride: 8 } }
    const { explanations } = await model.explainAll(x, options)
    const size = (letter: string): number => x.dims[LAYOUTS[name]?.slice(1).indexOf(letter) ?? -1] ?? 1
    for (const { heatmap, channels, raw } of explanations) {
      expect([heatmap.depth, heatmap.height, heatmap.width]).toEqual([size('D'), size('H'), size('W')])
      expect(heatmap.data).toHaveLength(size('D') * size('H') * size('W'))
      expect(heatmap.data.every(Number.isFinite)).toBe(true)
      if (channels) expect(channels()).toHaveLength(x.data.length)
      // resizing is linear: the mean stays, but for the edges
      const mean = (v: Float32Array): number => v.reduce((a, b) => a + b, 0) / v.length
      if (!channels) expect(Math.sign(mean(heatmap.data))).toBe(Math.sign(mean(raw.data)))
    }
  })
})

describe('occlusion of a volume', () => {
  test('goes through all slices, or through some of them at a time', async () => {
    const model = await load('volume')
    const x = array('volume', 'input')
    const occlude = async (slices: number): Promise<Tensor<'float32'>> =>
      (await model.explain(x, { method: 'occlusion', options: { patch: 8, stride: 8, slices } })).raw
    const [all, box] = [await occlude(0), await occlude(4)]
    expect([all.dims, box.dims]).toEqual([
      [8, 16, 20],
      [8, 16, 20],
    ])
    const area = 16 * 20
    const slice = (t: Tensor<'float32'>, z: number): Float32Array => t.data.subarray(z * area, (z + 1) * area)
    expect(slice(all, 7)).toEqual(slice(all, 0))
    expect(slice(box, 7)).not.toEqual(slice(box, 0))
    expect(await occlude(8)).toEqual(all)
  })

  test('by its definition, on a box that is covered by hand', async () => {
    const model = await load('volume')
    const x = array('volume', 'input')
    const raw = (
      await model.explain(x, { method: 'occlusion', target: 2, options: { patch: 20, stride: 20, slices: 5 } })
    ).raw
    const score = async (t: Tensor<'float32'>): Promise<number> =>
      (await model.classify(t, { top: 5 })).find((a) => a.index === 2)?.logit ?? Number.NaN
    // boxes of 5 slices in steps of 2, the last cut off: slices 0 to 4, 2 to 6, 4 to 7
    const drops: number[] = []
    for (const [from, to] of [
      [0, 5],
      [2, 7],
      [4, 8],
    ] as const) {
      const covered = float32(x.dims, Float32Array.from(x.data))
      covered.data.fill(0, from * 320, to * 320)
      drops.push((await score(x)) - (await score(covered)))
    }
    const [a = 0, b = 0, c = 0] = drops
    const want = [a, a, (a + b) / 2, (a + b) / 2, (a + b + c) / 3, (b + c) / 2, (b + c) / 2, c]
    const got = want.map((_, z) => raw.data[z * 320] ?? Number.NaN)
    expect(relativeL2(got, want)).toBeLessThan(1e-4)
  })
})

describe('another size, from the same plan and session', () => {
  test('bands of 20 x 28 and 32 x 12; a volume of 8 x 16 x 20 and 6 x 24 x 10', async () => {
    let sessions = 0
    const counting = {
      ...runtime,
      createSession: (...args: Parameters<typeof runtime.createSession>) => {
        sessions++
        return runtime.createSession(...args)
      },
    }
    for (const [name, dims] of [
      ['bands', [12, 32, 12]],
      ['volume', [1, 6, 24, 10]],
    ] as const) {
      const model = await Model.load(decode(readBytes(`${FOLDER}/${name}.onnx`)), counting, { name })
      const options = { method: ['gradient', 'grad-cam', 'guided-grad-cam'], target: 1 }
      await model.explainAll(array(name, 'input'), options)
      const before = sessions
      const size = dims.reduce((a: number, b) => a * b, 1)
      const x = float32(
        dims,
        Float32Array.from({ length: size }, (_, i) => Math.sin(i * i)),
      )
      const { explanations } = await model.explainAll(x, options)
      expect(sessions).toBe(before)
      const fresh = await (await load(name)).explainAll(x, options)
      for (const [i, e] of explanations.entries()) {
        expect(relativeL2(e.raw.data, fresh.explanations[i]?.raw.data ?? [])).toBeLessThan(1e-6)
        const { depth, height, width } = e.heatmap
        expect([depth, height, width]).toEqual([1, 1, 1, ...dims.slice(1)].slice(-3))
      }
    }
  })
})
