/** Which layers stand for a network in the studio. */
import { describe, expect, test } from 'vitest'
import { representative } from '../../studio/src/state/layer-choice.js'

interface Layer {
  readonly name: string
  readonly grid: readonly (number | string | null)[]
  readonly default: boolean
}

/** Layers by their sides, in order; one of them the default. */
function layersOf(sides: readonly (number | null)[], usual = sides.length - 1): readonly Layer[] {
  return sides.map((side, i) => ({ name: `layer ${i}`, grid: [side, side], default: i === usual }))
}

const many = (side: number, count: number): readonly number[] => Array.from({ length: count }, () => side)
const CONVOLUTIONAL = [...many(112, 7), ...many(56, 10), ...many(28, 13), ...many(14, 35), ...many(7, 26)]

describe('of each resolution as many, spread evenly, the last always', () => {
  test('a convolutional network', () => {
    const taken = representative(layersOf(CONVOLUTIONAL), 11)
    expect(taken.map((l) => l.grid[0])).toEqual([112, 112, 56, 56, 28, 28, 14, 14, 7, 7])
    expect(taken.map((l) => l.name)).toContain('layer 6')
    expect(taken.at(-1)?.default).toBe(true)
  })

  test('one resolution all the way, as transformers have it', () => {
    const taken = representative(layersOf(many(14, 60)), 11)
    expect(taken).toHaveLength(11)
    expect(taken.at(-1)?.name).toBe('layer 59')
  })

  test('more resolutions than places', () => {
    const taken = representative(layersOf(Array.from({ length: 40 }, (_, i) => 80 - i)), 11)
    expect(taken).toHaveLength(11)
    expect(taken.at(-1)?.grid[0]).toBe(41)
  })

  test('axes that are free are one resolution', () => {
    expect(representative(layersOf([null, null, null]), 11)).toHaveLength(3)
  })
})

test.each([0, 3, 20, 40, 90])('the default layer is there: number %d', (usual) => {
  const taken = representative(layersOf(CONVOLUTIONAL, usual), 11)
  expect(taken.filter((l) => l.default)).toHaveLength(1)
  expect(taken.length).toBeLessThanOrEqual(11)
})

test('none of none, and all of few, in order', () => {
  expect(representative(layersOf([]), 11)).toEqual([])
  const few = layersOf([32, 16, 16, 8])
  expect(representative(few, 11)).toEqual(few)
})
