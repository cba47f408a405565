import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Geometry,
  liftToPicture,
  type PreprocessSpec,
  preprocess,
  type ResizeRule,
  resizePlane,
  scaleGeometry,
  toModel,
  toSource,
} from '../../src/image/index.js'
import { noise, plain, thrownBy } from './support.js'

/** Geometries as `preprocess` makes them, of any picture and crop or letterbox. */
const geometries: fc.Arbitrary<Geometry> = fc
  .record({
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 40 }),
    edge: fc.integer({ min: 1, max: 30 }),
    kind: fc.constantFrom('shortest-edge' as const, 'longest-edge' as const, 'none' as const),
    rows: fc.integer({ min: 1, max: 40 }),
    columns: fc.integer({ min: 1, max: 40 }),
    padded: fc.boolean(),
  })
  .map(({ width, height, edge, kind, rows, columns, padded }) => {
    const window = { height: rows, width: columns }
    // padding leaves no part of the picture out
    const scaling: ResizeRule = padded ? { kind: 'fit', ...window } : kind === 'none' ? { kind } : { kind, size: edge }
    const spec: PreprocessSpec = {
      resize: scaling,
      filter: 'nearest',
      crop: padded ? undefined : window,
      ...(padded ? { pad: { ...window, at: 'centre', fill: 0 } as const } : {}),
      rescale: 1,
      mean: [0],
      std: [1],
      channels: 'L',
      layout: 'NCHW',
      source: 'a test',
    }
    return preprocess(plain(width, height, [1, 1, 1, 255]), spec).geometry
  })

const coordinate = fc.double({ min: -100, max: 100, noNaN: true })

/** The whole picture, stretched to the model's input. */
const whole = (width: number, height: number): Geometry => ({
  source: { width, height },
  model: { width: 8, height: 8 },
  seen: { x0: 0, y0: 0, x1: width, y1: height },
})

const ramp = (count: number): Float32Array => Float32Array.from(noise(count), (v) => v - 128)

describe('points', () => {
  it('come back from the model input to where they were', () => {
    fc.assert(
      fc.property(geometries, coordinate, coordinate, (geometry, x, y) => {
        const back = toModel(toSource({ x, y }, geometry), geometry)
        expect(back.x).toBeCloseTo(x, 8)
        expect(back.y).toBeCloseTo(y, 8)
        const there = toSource(toModel({ x, y }, geometry), geometry)
        expect(there.x).toBeCloseTo(x, 8)
        expect(there.y).toBeCloseTo(y, 8)
      }),
    )
  })

  it('lie where crop and scale put them', () => {
    const geometry: Geometry = {
      source: { width: 640, height: 480 },
      model: { width: 224, height: 224 },
      seen: { x0: 100, y0: 30, x1: 520, y1: 450 },
    }
    expect(toModel({ x: 100, y: 450 }, geometry)).toEqual({ x: 0, y: 224 })
    expect(toSource({ x: 112, y: 56 }, geometry)).toEqual({ x: 310, y: 135 })
  })
})

describe('liftToPicture', () => {
  it.each(['bilinear', 'nearest'] as const)('gives a constant where the network saw, 0 elsewhere: %s', (filter) => {
    fc.assert(
      fc.property(
        geometries,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 60 }),
        fc.float({ min: -100, max: 100, noNaN: true }),
        (geometry, width, height, value) => {
          const out = liftToPicture(new Float32Array(width * height).fill(value), width, height, geometry, { filter })
          const { source, seen } = geometry
          expect(out.length).toBe(source.width * source.height)
          out.forEach((v, i) => {
            const x = (i % source.width) + 0.5
            const y = Math.floor(i / source.width) + 0.5
            const inside = x >= seen.x0 && x <= seen.x1 && y >= seen.y0 && y <= seen.y1
            if (Math.abs(v - (inside ? value : 0)) > Math.abs(value) * 1e-6) expect([x, y, v]).toBe(inside ? value : 0)
          })
        },
      ),
    )
  })

  it('puts values at the centres of their cells and goes straight between them', () => {
    const out = liftToPicture(Float32Array.of(0, 4), 2, 1, whole(8, 1))
    expect([...out]).toEqual([0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4])
  })

  it('keeps signs, and takes the cell of the centre for nearest', () => {
    const out = liftToPicture(Float32Array.of(-1, 2), 2, 1, whole(5, 1), { filter: 'nearest' })
    expect([...out]).toEqual([-1, -1, 2, 2, 2])
  })

  it.each([
    [30, 20],
    [5, 3],
    [7, 7],
  ])('is a bilinear resize where the whole picture (%d x %d) was seen', (width, height) => {
    const map = ramp(7 * 7)
    expect(liftToPicture(map, 7, 7, whole(width, height))).toEqual(resizePlane(map, 7, 7, width, height, 'bilinear'))
  })

  it('leaves out what was cropped away', () => {
    const geometry = { ...whole(6, 4), seen: { x0: 1, y0: 1, x1: 5, y1: 3 } }
    const map = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    expect([...liftToPicture(map, 4, 2, geometry)]).toEqual([
      ...[0, 0, 0, 0, 0, 0],
      ...[0, 1, 2, 3, 4, 0],
      ...[0, 5, 6, 7, 8, 0],
      ...[0, 0, 0, 0, 0, 0],
    ])
  })

  it('cuts off what was padded', () => {
    const geometry = { ...whole(4, 2), seen: { x0: 0, y0: -1, x1: 4, y1: 3 } }
    const map = Float32Array.from({ length: 16 }, (_, i) => i)
    expect([...liftToPicture(map, 4, 4, geometry)]).toEqual([4, 5, 6, 7, 8, 9, 10, 11])
  })

  it('is 0 where a picture was not seen at all', () => {
    const geometry = { ...whole(3, 3), seen: { x0: 1.6, y0: 0, x1: 2.4, y1: 3 } }
    expect([...liftToPicture(Float32Array.of(5), 1, 1, geometry)]).toEqual(new Array(9).fill(0))
  })

  it('refuses maps and geometries that do not fit', () => {
    expect(thrownBy(() => liftToPicture(ramp(5), 2, 2, whole(3, 3))).code).toBe('shape-mismatch')
    expect(thrownBy(() => liftToPicture(ramp(0), 0, 2, whole(3, 3))).code).toBe('bad-option')
    const empty = { ...whole(3, 3), seen: { x0: 1, y0: 0, x1: 1, y1: 3 } }
    expect(thrownBy(() => liftToPicture(ramp(4), 2, 2, empty)).code).toBe('bad-option')
  })
})

it('scales with the picture: a place is the same place of the model', () => {
  const size = fc.record({ width: fc.integer({ min: 1, max: 99 }), height: fc.integer({ min: 1, max: 99 }) })
  fc.assert(
    fc.property(geometries, size, (geometry, to) => {
      const scaled = scaleGeometry(geometry, to)
      expect(scaled.source).toEqual(to)
      const before = toModel({ x: geometry.source.width / 3, y: geometry.source.height / 4 }, geometry)
      const after = toModel({ x: to.width / 3, y: to.height / 4 }, scaled)
      expect(after.x).toBeCloseTo(before.x, 6)
      expect(after.y).toBeCloseTo(before.y, 6)
    }),
  )
})
