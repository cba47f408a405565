/** What the axes of inputs are found to mean, by their sizes and by the first operator that reads them as a map. */
import { describe, expect, test } from 'vitest'
import { type Dim, findPictureInput } from '../../src/index.js'
import { declare } from '../../src/onnx/builder.js'
import { probe } from '../../src/passes/probe.js'
import { refusal } from '../support/compiled.js'
import { model, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'

/** A model whose input goes through `before` to a convolution of a kernel. */
async function found(
  dims: readonly Dim[],
  kernel: readonly number[],
  before: readonly NodeSpec[] = [],
  wanted?: string,
) {
  const graph = model({
    opset: 17,
    nodes: [...before, { op: 'Conv', inputs: [before.at(-1)?.outputs[0] ?? 'x', 'kernel'], outputs: ['y'] }],
    inputs: [declare('x', 'float32', dims)],
    outputs: [declare('y')],
    initializers: { kernel: noise(1, ...kernel) },
  })
  const { layout, batch, channels, depth, height, width } = findPictureInput(graph, await probe(graph, runtime), wanted)
  return [layout, batch, channels, depth, height, width]
}

const turned = (...perm: readonly number[]): NodeSpec => ({
  op: 'Transpose',
  inputs: ['x'],
  outputs: ['turned'],
  attributes: { perm },
})

describe('pictures', () => {
  test.each([
    ['of three channels', ['N', 3, 20, 24], [4, 3, 3, 3], ['NCHW', undefined, 3, 1, 20, 24]],
    ['of one, medical', [1, 1, 64, 48], [4, 1, 3, 3], ['NCHW', 1, 1, 1, 64, 48]],
    ['of two', ['N', 2, 20, 24], [4, 2, 3, 3], ['NCHW', undefined, 2, 1, 20, 24]],
    [
      'of twelve bands of any size',
      ['N', 12, 'h', 'w'],
      [4, 12, 3, 3],
      ['NCHW', undefined, 12, 1, undefined, undefined],
    ],
    ['of four, in groups of two', ['N', 4, 20, 20], [4, 4, 3, 3], ['NCHW', undefined, 4, 1, 20, 20]],
    ['whose number of channels the weights tell', ['N', 'c', 20, 24], [4, 5, 3, 3], ['NCHW', undefined, 5, 1, 20, 24]],
  ] as const)('%s', async (_, dims, kernel, want) => {
    expect(await found(dims, kernel)).toEqual(want)
  })

  test('channels last, of three and of twelve', async () => {
    const before = [turned(0, 3, 1, 2)]
    expect(await found(['N', 20, 24, 3], [4, 3, 3, 3], before)).toEqual(['NHWC', undefined, 3, 1, 20, 24])
    expect(await found([2, 64, 64, 12], [4, 12, 3, 3], before)).toEqual(['NHWC', 2, 12, 1, 64, 64])
  })

  test('bands are told behind a scaling, too', async () => {
    const scaled = { op: 'Mul', inputs: ['turned', 'turned'], outputs: ['scaled'] }
    const want = ['NHWC', undefined, 12, 1, 64, 64]
    expect(await found(['N', 64, 64, 12], [4, 12, 3, 3], [turned(0, 3, 1, 2), scaled])).toEqual(want)
  })
})

describe('volumes, clips and signals', () => {
  test.each([
    ['a clip', ['N', 3, 16, 20, 24], [4, 3, 3, 3, 3], [], ['NCDHW', undefined, 3, 16, 20, 24]],
    ['a scan of four modalities', [1, 4, 'd', 20, 24], [4, 4, 3, 3, 3], [], ['NCDHW', 1, 4, undefined, 20, 24]],
    [
      'a clip of three frames',
      ['N', 3, 3, 20, 24],
      [4, 3, 3, 3, 3],
      [turned(0, 2, 1, 3, 4)],
      ['NDCHW', undefined, 3, 3, 20, 24],
    ],
    [
      'frames first',
      ['N', 16, 3, 20, 24],
      [4, 3, 3, 3, 3],
      [turned(0, 2, 1, 3, 4)],
      ['NDCHW', undefined, 3, 16, 20, 24],
    ],
    [
      'channels last',
      ['N', 16, 20, 24, 3],
      [4, 3, 3, 3, 3],
      [turned(0, 4, 1, 2, 3)],
      ['NDHWC', undefined, 3, 16, 20, 24],
    ],
    ['a signal', ['N', 12, 500], [4, 12, 5], [], ['NCW', undefined, 12, 1, 1, 500]],
    ['a signal, channels last', ['N', 500, 12], [4, 12, 5], [turned(0, 2, 1)], ['NWC', undefined, 12, 1, 1, 500]],
  ] as const)('%s', async (_, dims, kernel, before, want) => {
    expect(await found(dims, kernel, before)).toEqual(want)
  })
})

describe('refused', () => {
  test.each([
    ['[C, H, W]', [3, 20, 24], [{ op: 'Unsqueeze', inputs: ['x', 'axes'], outputs: ['batched'] }]],
    [
      '[H, W, C]',
      [20, 24, 3],
      [turned(2, 0, 1), { op: 'Unsqueeze', inputs: ['turned', 'axes'], outputs: ['batched'] }],
    ],
  ] as const)('%s without a batch axis, saying how to export it', async (_, dims, before) => {
    const graph = model({
      opset: 17,
      nodes: [...before, { op: 'Conv', inputs: ['batched', 'kernel'], outputs: ['y'] }],
      inputs: [declare('x', 'float32', dims)],
      outputs: [declare('y')],
      initializers: { kernel: noise(1, 4, 3, 3, 3), axes: { type: 'int64', dims: [1], data: BigInt64Array.of(0n) } },
    })
    const shapes = await probe(graph, runtime)
    const error = await refusal(() => findPictureInput(graph, shapes))
    expect(error.code).toBe('no-image-input')
    expect(error.message).toContain('has no batch axis')
    expect(error.message).toContain(`[1, ${dims.join(', ')}]`)
  })
})
