/** Tensors as something to look at. */
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { imagenetPreprocessing, type Picture, preprocess, rendition } from '../../src/image/index.js'

const SIDE = 8
const picture: Picture = {
  width: SIDE,
  height: SIDE,
  data: Uint8Array.from({ length: 4 * SIDE * SIDE }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256)),
}

describe('a preprocessed photo is itself again', () => {
  test.each(['RGB', 'BGR'] as const)('%s', (channels) => {
    for (const layout of ['NCHW', 'NHWC'] as const) {
      const spec = { ...imagenetPreprocessing(SIDE, SIDE), channels, layout, resize: { kind: 'none' as const } }
      const { data, dims } = preprocess(picture, spec)
      const { slices, note } = rendition(float32(dims, data), layout.slice(1), spec)
      expect([slices[0]?.data, note]).toEqual([picture.data, undefined])
    }
  })
})

describe('what is no photo is scaled from its least to its largest value, and that is said', () => {
  const ramp = (dims: readonly number[], top: number) => {
    const count = dims.reduce((a, b) => a * b, 1)
    return float32(
      dims,
      Float32Array.from({ length: count }, (_, i) => (i * top) / (count - 1)),
    )
  }

  test('a scan of one channel, whatever its units', () => {
    const { slices, note } = rendition(ramp([1, 4, 4], 4095), 'CHW', imagenetPreprocessing(4, 4, 1))
    const [slice] = slices
    expect(Array.from(slice?.data.subarray(0, 4) ?? [])).toEqual([0, 0, 0, 255])
    expect(Array.from(slice?.data.subarray(-4) ?? [])).toEqual([255, 255, 255, 255])
    expect(note).toContain('in grey')
  })

  test('twelve bands: the first three, each on its own scale', () => {
    const bands = ramp([12, 2, 2], 47)
    const { slices, note } = rendition(bands, 'CHW', undefined)
    const bytes = slices[0]?.data ?? []
    for (const c of [0, 1, 2]) expect([0, 1, 2, 3].map((i) => bytes[4 * i + c])).toEqual([0, 85, 170, 255])
    expect(note).toContain('channels 1, 2 and 3 of 12')
  })

  test('two channels: the first', () => {
    const { slices, note } = rendition(ramp([2, 2, 1], 3), 'CHW', undefined)
    expect(Array.from(slices[0]?.data ?? [])).toEqual([0, 0, 0, 255, 255, 255, 255, 255])
    expect(note).toContain('first of 2 channels')
  })

  test('a volume: its slices on one scale', () => {
    for (const [layout, dims] of [
      ['CDHW', [1, 4, 2, 2]],
      ['DCHW', [4, 1, 2, 2]],
      ['DHWC', [4, 2, 2, 1]],
    ] as const) {
      const { slices } = rendition(ramp(dims, 15), layout, undefined)
      expect(slices.map((s) => s.data[0])).toEqual([0, 68, 136, 204])
    }
  })

  test('one value everywhere: mid grey', () => {
    const flat = rendition(float32([12, 2, 2], new Float32Array(48).fill(7)), 'CHW', undefined)
    expect(flat.slices[0]?.data.every((v, i) => v === (i % 4 === 3 ? 255 : 128))).toBe(true)
  })
})
