/** Pictures in other numbers than float32: bytes as TensorFlow's exports take them, halves, and doubles. */
import { describe, expect, test } from 'vitest'
import { float32, int64, sizeOf, tensor } from '../../src/core/tensor.js'
import { Model } from '../../src/explain/model.js'
import { float } from '../../src/onnx/attributes.js'
import { declare } from '../../src/onnx/builder.js'
import { float16Bits } from '../../src/onnx/float16.js'
import type { Graph } from '../../src/onnx/ir.js'
import { declaredShapes } from '../../src/onnx/shapes.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

const SIDE = 10
const CLASSES = 4

function weights(dims: readonly number[], seed: number) {
  const r = random(seed)
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => r.normal() * 0.5),
  )
}

const WEIGHTS = { w: weights([6, 3, 3, 3], 1), head: weights([6, CLASSES], 2) }

/** From float32 pixels `[N,3,H,W]` of 0 to 1, `planes`, to the logits. */
const BODY: readonly NodeSpec[] = [
  { op: 'Conv', inputs: ['planes', 'w'], outputs: ['sums'] },
  { op: 'Relu', inputs: ['sums'], outputs: ['features'] },
  { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
  { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
  { op: 'MatMul', inputs: ['flat', 'head'], outputs: ['logits'] },
]

const cast: NodeSpec = { op: 'Cast', inputs: ['x'], outputs: ['wide'], attributes: { to: 1 } }
const turn = (from: string, to: string): NodeSpec => ({
  op: 'Transpose',
  inputs: [from],
  outputs: [to],
  attributes: { perm: [0, 3, 1, 2] },
})
const scale = (from: string, to: string): NodeSpec => ({ op: 'Mul', inputs: [from, 'unit'], outputs: [to] })

/** Ways from bytes `[N,H,W,3]` to the planes. */
const BEFORE: Readonly<Record<string, readonly NodeSpec[]>> = {
  'Cast first': [cast, scale('wide', 'scaled'), turn('scaled', 'planes')],
  'Transpose first': [turn('x', 'turned'), { ...cast, inputs: ['turned'] }, scale('wide', 'planes')],
  DequantizeLinear: [{ op: 'DequantizeLinear', inputs: ['x', 'unit'], outputs: ['scaled'] }, turn('scaled', 'planes')],
  'two casts': [
    cast,
    { op: 'Cast', inputs: ['x'], outputs: ['again'], attributes: { to: 1 } },
    { op: 'Add', inputs: ['wide', 'again'], outputs: ['twice'] },
    { op: 'Mul', inputs: ['twice', 'half'], outputs: ['once'] },
    scale('once', 'scaled'),
    turn('scaled', 'planes'),
  ],
}

function bytesModel(before: readonly NodeSpec[], type: 'uint8' | 'float32'): Graph {
  return model({
    opset: 18,
    nodes: [...before, ...BODY],
    inputs: [declare('x', type, ['N', SIDE, SIDE, 3])],
    outputs: [declare('logits', 'float32', ['N', CLASSES])],
    initializers: { ...WEIGHTS, unit: float32([], [1 / 255]), half: float32([], [0.5]) },
  })
}

const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 83 + (i % 7) * 29) % 256)
const picture = { width: SIDE, height: SIDE, data: rgba(pixels) }

function rgba(rgb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: (rgb.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : (rgb[Math.floor(i / 4) * 3 + (i % 4)] ?? 0),
  )
}

const tensorOfPicture = float32([1, SIDE, SIDE, 3], Array.from(pixels))

async function gradient(graph: Graph): Promise<Float32Array> {
  const loaded = await Model.load(graph, runtime, { name: 'test' })
  const { raw } = await loaded.explain(tensorOfPicture, { method: 'gradient', target: 1 })
  await loaded.release()
  return raw.data
}

describe.each(Object.entries(BEFORE))('bytes, %s', (_, before) => {
  const graph = bytesModel(before, 'uint8')

  test('the gradient is that of the same numbers as floats', async () => {
    const plain = bytesModel([scale('x', 'scaled'), turn('scaled', 'planes')], 'float32')
    expect(relativeL2(await gradient(graph), await gradient(plain))).toBeLessThan(1e-6)
  })

  test('the compiled model takes bytes', async () => {
    const loaded = await Model.load(graph, runtime, { name: 'test' })
    const plan = loaded.compile({ method: 'gradient' })
    await loaded.release()
    expect(declaredShapes(plan.graph).get('x')?.type).toBe('uint8')
    const x = tensor('uint8', [1, SIDE, SIDE, 3], pixels)
    const out = await run(plan.graph, { x, target: int64([2], [1, 0]) })
    const map = numbers(out.heatmap)
    expect(relativeL2(map.slice(0, map.length / 2), await gradient(graph))).toBeLessThan(1e-6)
    const plain = await run(graph, { x })
    expect(relativeL2(numbers(out.logits).slice(0, CLASSES), numbers(plain.logits))).toBeLessThan(1e-6)
  })
})

test('a photo goes into an input of bytes as it is', async () => {
  const loaded = await Model.load(bytesModel(BEFORE['Cast first'] ?? [], 'uint8'), runtime, { name: 'test' })
  expect(loaded.notes.join(' ')).toContain('pixel values from 0')
  const stretched = loaded.withPreprocessing(
    loaded.preprocessing && { ...loaded.preprocessing, resize: { kind: 'none' }, crop: undefined },
  )
  const [photo, given] = [await stretched.classify(picture), await stretched.classify(tensorOfPicture)]
  await loaded.release()
  expect(photo).toEqual(given)
})

/** A network of small numbers: its gradients are below what float16 holds. */
function narrowModel(type: 'float16' | 'float32' | 'float64' | 'bfloat16'): Graph {
  const store = (t: ReturnType<typeof float32>) => {
    if (type === 'float16') return tensor(type, t.dims, Uint16Array.from(t.data, float16Bits))
    if (type === 'float64') return tensor(type, t.dims, Float64Array.from(t.data))
    if (type === 'bfloat16')
      return tensor(
        type,
        t.dims,
        Uint16Array.from(new Uint32Array(t.data.slice().buffer), (b) => b >>> 16),
      )
    return t
  }
  // few bits, so that all types hold the same numbers
  const few = (t: ReturnType<typeof float32>) =>
    float32(
      t.dims,
      Array.from(t.data, (v) => Math.round(v * 16) / 16),
    )
  return model({
    opset: 18,
    nodes: [
      { op: 'Mul', inputs: ['x', 'small'], outputs: ['planes'] },
      ...BODY,
      { op: 'Mul', inputs: ['logits', 'small'], outputs: ['scores'] },
      { op: 'LeakyRelu', inputs: ['scores'], outputs: ['y'], attributes: { alpha: float(0.5) } },
    ],
    inputs: [declare('x', type, ['N', 3, SIDE, SIDE])],
    outputs: [declare('y', type, ['N', CLASSES])],
    initializers: { w: store(few(WEIGHTS.w)), head: store(few(WEIGHTS.head)), small: store(float32([], [2 ** -13])) },
  })
}

test.each(['float16', 'bfloat16', 'float64'] as const)('%s in and out: as float32, without underflow', async (type) => {
  const x = float32(
    [1, 3, SIDE, SIDE],
    Array.from(pixels, (v) => v - 128),
  )
  const maps: Float32Array[] = []
  for (const graph of [narrowModel(type), narrowModel('float32')]) {
    const loaded = await Model.load(graph, runtime, { name: 'test' })
    for (const score of ['logit', 'probability'] as const) {
      const { raw } = await loaded.explain(x, { method: 'gradient', target: 1, score })
      maps.push(raw.data)
    }
    const types = declaredShapes(loaded.compile({ method: 'gradient' }).graph)
    expect(types.get('x')?.type).toBe(declaredShapes(graph).get('x')?.type)
    await loaded.release()
  }
  const [got, probability, want, wantProbability] = maps
  expect(Math.max(...(want ?? []).map(Math.abs))).toBeLessThan(2 ** -25)
  expect(relativeL2(got ?? [], want ?? [])).toBeLessThan(1e-6)
  expect(relativeL2(probability ?? [], wantProbability ?? [])).toBeLessThan(1e-6)
})
