import { describe, expect, it } from 'vitest'
import {
  COLORMAP_NAMES,
  COLORMAPS,
  type ColormapName,
  colorise,
  colorTable,
  parseColormap,
  tableIndex,
} from '../../src/render/index.js'

const entry = (name: ColormapName, i: number) => [...colorTable(name).subarray(i * 3, i * 3 + 3)]

describe('colour tables', () => {
  const anchors: readonly [ColormapName, number, readonly number[]][] = [
    ['turbo', 0, [35, 23, 27]],
    ['turbo', 255, [144, 12, 0]],
    ['viridis', 0, [68, 1, 84]],
    ['viridis', 255, [253, 231, 37]],
    ['magma', 0, [0, 0, 4]],
    ['magma', 255, [252, 253, 191]],
    ['jet', 0, [0, 0, 131]],
    ['jet', 255, [128, 0, 0]],
    ['red-blue', 0, [5, 48, 97]],
    ['red-blue', 127, [255, 255, 255]],
    ['red-blue', 128, [255, 255, 255]],
    ['red-blue', 255, [103, 0, 31]],
    ['grey', 0, [0, 0, 0]],
    ['grey', 128, [128, 128, 128]],
    ['grey', 255, [255, 255, 255]],
  ]
  it.each(anchors)('%s has its published colour at %i', (name, index, colour) => {
    expect(entry(name, index)).toEqual(colour)
  })

  it.each(COLORMAP_NAMES)('%s has 256 colours without jumps', (name) => {
    const table = colorTable(name)
    expect(table).toHaveLength(256 * 3)
    for (let i = 3; i < table.length; i++) expect(Math.abs((table[i] ?? 0) - (table[i - 3] ?? 0))).toBeLessThan(14)
  })

  it('hands out a fresh table each time', () => {
    colorTable('turbo').fill(0)
    expect(entry('turbo', 255)).toEqual([144, 12, 0])
  })

  it.each(COLORMAP_NAMES)('%s reaches both ends and takes anything', (name) => {
    const { kind } = COLORMAPS[name]
    const low = kind === 'diverging' ? -1 : 0
    expect([low, 1, -9, 9].map((v) => tableIndex(kind, v))).toEqual([0, 255, 0, 255])
    expect(tableIndex(kind, Number.NaN)).toBe(tableIndex(kind, 0))
  })

  it('colours zero of a signed map white, what is positive red, what is negative blue', () => {
    const { data } = colorise(Float32Array.of(0, -0, 1, -1), 4, 1, 'red-blue')
    expect([...data.subarray(0, 8)]).toEqual(Array(8).fill(255))
    expect(data[8] ?? 0).toBeGreaterThan(data[10] ?? 0)
    expect(data[14] ?? 0).toBeGreaterThan(data[12] ?? 0)
  })
})

describe('parseColormap', () => {
  it('knows every name in any case', () => {
    for (const name of COLORMAP_NAMES) expect(parseColormap(` ${name.toUpperCase()}`)).toBe(name)
  })

  it.each(['rainbow', '', 'constructor', 'toString'])('refuses %j and lists the names', (name) => {
    expect(() => parseColormap(name)).toThrowError(
      expect.objectContaining({ code: 'unknown-colormap', message: expect.stringContaining('turbo, viridis') }),
    )
  })
})
