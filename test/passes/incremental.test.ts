/** Networks on windows against the same networks on whole pictures. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { float32, type Tensor } from '../../src/core/tensor.js'
import type { AttributeValue } from '../../src/onnx/attributes.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { encode } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import {
  count,
  framesOf,
  type Interval,
  isTask,
  type Locality,
  locality,
  rowsRead,
  schedule,
  writeIncremental,
} from '../../src/passes/incremental/index.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { readBytes } from '../support/files.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

type Boxes = readonly (readonly Interval[])[]

/** Squares with a step, cut off at the border. */
function squares([height = 1, width = 1]: readonly number[], patch: number, stride: number): Boxes {
  const starts = (extent: number): number[] =>
    Array.from({ length: Math.ceil(Math.max(extent - patch, 0) / stride) + 1 }, (_, i) => i * stride)
  const interval = (at: number, extent: number): Interval => [at, Math.min(at + patch, extent)]
  return starts(height).flatMap((y) => starts(width).map((x) => [interval(y, height), interval(x, width)]))
}

/** A picture `[1,C,H,W]` or `[1,H,W,C]` cut to a window, with `fill` in a box of places. */
function covered(
  x: Tensor<'float32'>,
  axes: readonly number[],
  starts: readonly number[],
  lengths: readonly number[],
  box: readonly Interval[],
  fill: number,
): number[] {
  const dims = x.dims.map((d, i) => (axes.includes(i) ? (lengths[axes.indexOf(i)] ?? d) : d))
  const strides = x.dims.map((_, i) => x.dims.slice(i + 1).reduce((a, b) => a * b, 1))
  return Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, flat) => {
    let [rest, at, isInside] = [flat, 0, true]
    for (let i = dims.length - 1; i >= 0; i--) {
      const axis = axes.indexOf(i)
      const place = (rest % (dims[i] ?? 1)) + (axis < 0 ? 0 : (starts[axis] ?? 0))
      rest = Math.floor(rest / (dims[i] ?? 1))
      at += place * (strides[i] ?? 1)
      const [low, high] = box[axis] ?? [0, Number.POSITIVE_INFINITY]
      isInside &&= place >= low && place < high
    }
    return isInside ? fill : (x.data[at] ?? 0)
  })
}

interface Compared {
  /** Of the outputs, and of what the box changed in them. */
  readonly outputs: number
  readonly drops: number
  readonly local: Locality
  readonly onWindows: number
}

/** Both ways on the same boxes; `share` of the tasks that can be done on windows are. */
async function compare(
  graph: Graph,
  x: Tensor<'float32'>,
  axes: readonly number[],
  boxes: Boxes,
  options: { readonly share?: number; readonly size?: number; readonly fill?: number } = {},
): Promise<Compared> {
  const { share = 1, size = 5, fill = 0.5 } = options
  const [{ name: input } = { name: '' }] = graph.inputs
  const [{ name: output } = { name: '' }] = graph.outputs
  const local = locality(graph, await probe(graph, runtime), input, axes)
  if (!local) throw new Error('nothing is known of the network')
  const last =
    local.nodes
      .filter(isTask)
      .map((t) => t.step !== undefined)
      .lastIndexOf(true) + 1
  const onWindows = Math.ceil(share * last)
  const { unchanged, changed, window, readings } = writeIncremental(local, onWindows)
  const { [output]: before, ...tables } = await run(unchanged, { [input]: x })
  const whole = axes.map((a) => x.dims[a] ?? 1)
  const pictures = boxes.map((box) =>
    covered(
      x,
      axes,
      axes.map(() => 0),
      whole,
      box,
      fill,
    ),
  )
  const want: number[] = []
  const all = await runtime.createSession({ bytes: encode(graph), externalData: new Map() })
  for (const picture of pictures) want.push(...numbers((await all.run({ [input]: float32(x.dims, picture) }))[output]))
  await all.release()
  const each = want.length / boxes.length
  const got = new Float32Array(want.length)
  const session = await import('../../src/onnx/encode.js').then(({ encode }) =>
    runtime.createSession({ bytes: encode(changed), externalData: new Map() }),
  )
  for (const { boxes: own, changes: made } of schedule(boxes, framesOf(local), size)) {
    const changes = made()
    const { lengths, starts } = changes.windows(local.window.frame)
    const windows = own.map((b, i) =>
      covered(
        x,
        axes,
        starts.map((s) => s[i] ?? 0),
        lengths,
        boxes[b] ?? [],
        fill,
      ),
    )
    const dims = x.dims.map((d, i) => (i === 0 ? own.length : axes.includes(i) ? (lengths[axes.indexOf(i)] ?? d) : d))
    const rows = readings.map(({ name, reading }) => [name, { type: 'int32', ...rowsRead(reading, changes) }] as const)
    const result = await session.run({
      ...tables,
      ...Object.fromEntries(rows),
      [window]: float32(dims, windows.flat()),
    })
    for (const [i, b] of own.entries()) got.set(numbers(result[output]).slice(i * each, (i + 1) * each), b * each)
  }
  await session.release()
  const base = numbers(before)
  const drop = (v: ArrayLike<number>): number[] => Array.from(v, (n, i) => n - (base[i % each] ?? 0))
  return { outputs: relativeL2(got, want), drops: relativeL2(drop(got), drop(want)), local, onWindows }
}

/** One layer as it is drawn. */
const layer = fc.record({
  op: fc.constantFrom(
    'Conv',
    'Conv',
    'Conv',
    'depthwise',
    'MaxPool',
    'AveragePool',
    'act',
    'BatchNormalization',
    'residual',
    'Concat',
    'Pad',
    'Resize',
    'channels-last',
    'Split',
  ),
  kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 })),
  dilation: fc.integer({ min: 1, max: 2 }),
  pads: fc.tuple(...Array.from({ length: 4 }, () => fc.constantFrom(0, 0, 1, 2))),
  auto: fc.constantFrom('NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
  pick: fc.integer({ min: 0, max: 5 }),
  flag: fc.boolean(),
})
type Layer = typeof layer extends fc.Arbitrary<infer L> ? L : never

const ACTIVATIONS: readonly (readonly [string, readonly string[], Readonly<Record<string, AttributeValue>>])[] = [
  ['Relu', [], {}],
  ['LeakyRelu', [], { alpha: { float: 0.3 } }],
  ['HardSwish', [], {}],
  ['Clip', ['low', 'high'], {}],
  ['PRelu', ['slope'], {}],
  ['Softmax', [], { axis: 1 }],
]
const CHANNELS = 4

/** A network of local operators whose output is its last map, place by place. Layers that would leave nothing are left out. */
function drawn(layers: readonly Layer[], height: number, width: number): Graph {
  const nodes: NodeSpec[] = []
  const initializers: Record<string, Tensor> = {
    low: float32([], [-0.4]),
    high: float32([], [0.9]),
    slope: float32([CHANNELS, 1, 1], [0.1, 0.4, -0.2, 0.7]),
    first: noise(3, CHANNELS, 3, 1, 1),
    scale: noise(5, CHANNELS),
    variance: float32([CHANNELS], [1, 2, 0.5, 3]),
    last: noise(6, CHANNELS, CHANNELS),
  }
  let [value, size] = ['start', [height, width]]
  const before: { readonly value: string; readonly size: readonly number[] }[] = [{ value, size }]
  const add = (
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string => {
    const name = `v${nodes.length}`
    nodes.push({ op, inputs, outputs: [name], attributes })
    return name
  }
  nodes.push({ op: 'Conv', inputs: ['x', 'first'], outputs: ['start'] })
  for (const [i, l] of layers.entries()) {
    const { op, kernel, strides, pads, pick, flag } = l
    const isWide = strides.some((s, j) => s > (kernel[j] ?? 1))
    // ONNX Runtime refuses what would pad less than nothing, and SAME_* with dilations
    const auto = isWide && op.endsWith('Pool') ? 'NOTSET' : l.auto
    const dilation = auto.startsWith('SAME') ? 1 : l.dilation
    const isPool = op.endsWith('Pool')
    const span = kernel.map((k) => (k - 1) * (isPool ? 1 : dilation) + 1)
    // windows that begin behind the last place are counted differently by ONNX Runtime's own parts
    const mayCeil = strides.every((s, j) => s <= (kernel[j] ?? 1)) && pads.every((p) => p === 0)
    const around = isPool ? pads.map((p, j) => Math.min(p, (kernel[j % 2] ?? 1) - 1)) : pads
    const isCeil = isPool && flag && mayCeil && auto === 'NOTSET' && !(op === 'AveragePool' && pick % 2 === 1)
    const out = size.map((s, j) => {
      const [k, step] = [span[j] ?? 1, strides[j] ?? 1]
      if (auto.startsWith('SAME')) return Math.ceil(s / step)
      const free = s + (auto === 'VALID' ? 0 : (around[j] ?? 0) + (around[j + 2] ?? 0)) - k
      return free < 0 ? 0 : (isCeil ? Math.ceil : Math.floor)(free / step) + 1
    })
    const where = { ...(auto === 'NOTSET' ? { pads: around } : { auto_pad: auto }), strides }
    if (op === 'Conv' || op === 'depthwise' || isPool) {
      if (out.some((s) => s < 1)) continue
      if (isPool)
        value = add(op, [value], {
          ...where,
          kernel_shape: kernel,
          ceil_mode: isCeil ? 1 : 0,
          ...(op === 'AveragePool' ? { count_include_pad: pick % 2 } : {}),
        })
      else {
        const groups = op === 'Conv' ? 1 : CHANNELS
        initializers[`w${i}`] = noise(10 + i, CHANNELS, CHANNELS / groups, ...kernel)
        value = add('Conv', [value, `w${i}`, 'scale'], { ...where, dilations: [dilation, dilation], group: groups })
      }
      size = out
    } else if (op === 'act') {
      const [name = '', inputs = [], attributes = {}] = ACTIVATIONS[pick] ?? []
      value = add(name, [value, ...inputs], attributes)
    } else if (op === 'BatchNormalization') value = add(op, [value, 'scale', 'scale', 'scale', 'variance'])
    else if (op === 'residual') {
      const same = before.filter((b) => b.size.join() === size.join())
      const other = same[pick % Math.max(same.length, 1)]
      if (other) value = add(flag ? 'Add' : 'Mul', [value, other.value])
    } else if (op === 'Concat') {
      // two branches, neither of whose windows holds the other's
      initializers[`tall${i}`] = noise(10 + i, CHANNELS, CHANNELS, 3, 1)
      initializers[`wide${i}`] = noise(20 + i, CHANNELS, CHANNELS, 1, 3)
      initializers[`w${i}`] = noise(30 + i, CHANNELS, 2 * CHANNELS, 1, 1)
      const tall = add('Conv', [value, `tall${i}`], { pads: [1, 0, 1, 0] })
      const wide = add('Conv', [value, `wide${i}`], { pads: [0, 1, 0, 1] })
      value = add('Conv', [add(op, [tall, wide], { axis: 1 }), `w${i}`])
    } else if (op === 'Pad') {
      initializers[`pads${i}`] = {
        type: 'int64',
        dims: [8],
        data: BigInt64Array.from([0, 0, ...pads.slice(0, 2), 0, 0, ...pads.slice(2)], BigInt),
      }
      value = add(op, [value, `pads${i}`])
      size = size.map((s, j) => s + (pads[j] ?? 0) + (pads[j + 2] ?? 0))
    } else if (op === 'Resize') {
      if (Math.max(...size) > 12) continue
      initializers[`scales${i}`] = float32([4], [1, 1, 2, 1])
      value = add(
        op,
        [value, '', `scales${i}`],
        flag ? { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' } : {},
      )
      size = [2 * (size[0] ?? 1), size[1] ?? 1]
    } else if (op === 'channels-last') {
      const turned = add('Transpose', [value], { perm: [0, 2, 3, 1] })
      const normal = add('LayerNormalization', [add('MatMul', [turned, 'last']), 'scale', 'scale'])
      value = add('Transpose', [normal], { perm: [0, 3, 1, 2] })
    } else if (op === 'Split') {
      nodes.push({ op, inputs: [value], outputs: [`a${i}`, `b${i}`], attributes: { axis: 1, num_outputs: 2 } })
      value = add('Concat', [`b${i}`, `a${i}`], { axis: 1 })
    }
    before.push({ value, size })
  }
  return model({
    opset: 18,
    nodes: [...nodes, { op: 'Flatten', inputs: [value], outputs: ['y'] }],
    inputs: [declare('x', 'float32', ['N', 3, height, width])],
    outputs: [declare('y', 'float32', ['N', null])],
    initializers,
  })
}

test('any network of local operators, any square: the numbers of the whole network', async () => {
  const extent = fc.integer({ min: 3, max: 14 })
  const seen = { steps: new Set<string>(), worst: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(layer, { minLength: 1, maxLength: 7 }),
      extent,
      extent,
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(1, 1, 0.5),
      async (layers, height, width, patch, stride, share) => {
        const boxes = squares([height, width], patch, stride).slice(0, 12)
        const found = await compare(drawn(layers, height, width), noise(7, 1, 3, height, width), [2, 3], boxes, {
          share,
        })
        for (const t of found.local.nodes) if (isTask(t) && t.step) seen.steps.add(t.node.op)
        seen.worst = Math.max(seen.worst, found.outputs)
        expect(found.outputs).toBeLessThan(1e-5)
      },
    ),
    { seed: 11, numRuns: 60 },
  )
  // nothing was compared in vain
  for (const op of ['Conv', 'MaxPool', 'AveragePool', 'Add', 'Concat', 'Pad', 'Resize', 'MatMul', 'LayerNormalization'])
    expect(seen.steps).toContain(op)
})

describe('whole networks, as exporters write them', () => {
  const fixture = (path: string): Graph => lower(decode(readBytes(`test/fixtures/${path}.onnx`)))

  test.each([
    ['networks/resnet', 1],
    ['networks/densenet', 1],
    ['networks/convnext', 1],
    ['networks/shufflenet', 1],
    ['networks/efficientnet', 1],
    ['networks/vgg', 0.7],
    ['networks/byobnet', 1],
    ['origins/fused-convolutions', 1],
    ['origins/keras', 1],
    ['origins/old-7', 1],
  ])('%s', async (path, share) => {
    const graph = fixture(path)
    const { dims = [] } = (await probe(graph, runtime)).get(graph.inputs[0]?.name ?? '') ?? {}
    const sizes = dims.map((d, i) => (i > 0 && typeof d === 'number' ? d : 1))
    const axes = sizes[3] === 3 ? [1, 2] : [2, 3]
    const whole = axes.map((a) => sizes[a] ?? 1)
    const boxes = squares(whole, 9, 8).filter((_, i) => i % 29 === 0)
    const size = typeof dims[0] === 'number' ? 1 : 4
    const found = await compare(graph, noise(8, ...sizes), axes, boxes, { share, size })
    expect(found.onWindows).toBeGreaterThan(3)
    expect(found.outputs).toBeLessThan(1e-5)
    expect(found.drops).toBeLessThan(1e-3)
  })
})

describe('multiply-adds', () => {
  /** Sizes alone: weights are inputs, of which none is made. */
  function shell(build: (conv: Conv, add: Add) => string): Graph {
    const nodes: NodeSpec[] = []
    const inputs = [declare('x', 'float32', ['N', 3, 224, 224])]
    const add: Add = (op, from, attributes = {}) => {
      nodes.push({ op, inputs: from, outputs: [`v${nodes.length}`], attributes })
      return `v${nodes.length - 1}`
    }
    const weight = (...dims: number[]): string => {
      inputs.push(declare(`w${inputs.length}`, 'float32', dims))
      return `w${inputs.length - 1}`
    }
    const conv: Conv = (from, [read, made], kernel, stride = 1) => {
      const w = kernel === 0 ? weight(read, made) : weight(made, read, kernel, kernel)
      if (kernel === 0) return add('Gemm', [from, w])
      const pad = (kernel - 1) / 2
      return add('Relu', [add('Conv', [from, w], { pads: [pad, pad, pad, pad], strides: [stride, stride] })])
    }
    const y = build(conv, add)
    return model({ opset: 18, nodes, inputs, outputs: [declare(y, 'float32', ['N', 1000])] })
  }
  type Add = (op: string, from: readonly string[], attributes?: Readonly<Record<string, AttributeValue>>) => string
  type Conv = (from: string, channels: readonly [number, number], kernel: number, stride?: number) => string

  const vgg16 = shell((conv, add) => {
    const pool = { kernel_shape: [2, 2], strides: [2, 2] }
    let [value, channels] = ['x', 3]
    for (const [layers, width] of [
      [2, 64],
      [2, 128],
      [3, 256],
      [3, 512],
      [3, 512],
    ] as const) {
      for (let i = 0; i < layers; i++) {
        value = conv(value, [channels, width], 3)
        channels = width
      }
      value = add('MaxPool', [value], pool)
    }
    return conv(conv(conv(add('Flatten', [value]), [25088, 4096], 0), [4096, 4096], 0), [4096, 1000], 0)
  })

  const resnet18 = shell((conv, add) => {
    let value = add('MaxPool', [conv('x', [3, 64], 7, 2)], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    })
    let channels = 64
    for (const width of [64, 128, 256, 512])
      for (const block of [0, 1]) {
        const stride = block === 0 && width > 64 ? 2 : 1
        const branch = conv(conv(value, [channels, width], 3, stride), [width, width], 3)
        value = add('Add', [branch, stride === 2 ? conv(value, [channels, width], 1, 2) : value])
        channels = width
      }
    return conv(add('Flatten', [add('GlobalAveragePool', [value])]), [512, 1000], 0)
  })

  // the recomputed figures of Krypton's networks, with exact windows
  test.each([
    ['VGG-16', vgg16, 15.47, 9.14],
    ['ResNet-18', resnet18, 1.81, 2.83],
  ])('%s: squares of 16 pixels in steps of 4', async (_, graph, giga, bound) => {
    const local = locality(graph, await probe(graph, runtime), 'x', [2, 3])
    if (!local) throw new Error('nothing is known of the network')
    const batches = schedule(squares([224, 224], 16, 4), framesOf(local), 16)
    const found = count(local, local.nodes.length, batches)
    expect(found.plain / 2809 / 1e9).toBeCloseTo(giga, 2)
    expect(found.bound).toBeCloseTo(bound, 2)
    // in batches that share their lengths
    expect(found.plain / found.incremental).toBeGreaterThan(0.9 * bound)
  })
})
