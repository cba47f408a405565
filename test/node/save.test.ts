/** Explanations as pictures: the formats, what is in them, and what is refused. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { type NodeExplanation, type NodeModel, open } from '../../src/node/index.js'
import { pathOf } from '../support/files.js'
import { runtime } from '../support/ort.js'
import { failureOf, TINY_LABELS, TINY_SIDE, temporaryFolder, tinyModel } from './support.js'

let model: NodeModel
let result: NodeExplanation

beforeAll(async () => {
  model = await open(tinyModel(), { labels: TINY_LABELS, runtime })
  result = await model.explain(pathOf('examples/cat.jpg'), { target: 'cat' })
})

describe('formats', () => {
  test.each([
    ['.png', 'png'],
    ['.jpg', 'jpeg'],
    ['.jpeg', 'jpeg'],
    ['.webp', 'webp'],
    ['.PNG', 'png'],
  ])('%s', async (ending, format) => {
    const path = join(temporaryFolder(), `cat${ending}`)
    await result.save(path)
    const image = sharp(path)
    const meta = await image.metadata()
    expect(meta.format).toBe(format)
    expect(meta.width).toBeGreaterThan(600)
    expect(meta.height).toBeGreaterThan(200)
    const { channels } = await image.stats()
    for (const c of channels.slice(0, 3)) expect(c.stdev).toBeGreaterThan(10) // something is drawn
  })

  test('.svg holds text as outlines, pictures inside, and no reference to anything outside', async () => {
    const path = join(temporaryFolder(), 'cat.svg')
    await result.save(path)
    const svg = readFileSync(path, 'utf8')
    expect(svg).toMatch(/^(<\?xml[^>]*>\s*)?<svg /)
    expect(svg.match(/data:image\/png;base64,/g)?.length).toBe(2) // the map on the picture, and its colour bar
    expect(svg).not.toMatch(/(?:href|src)="(?!data:)/)
    expect(svg).not.toContain('<script')
    const { width, height } = await sharp(Buffer.from(svg)).metadata()
    expect(width).toBeGreaterThan(600)
    expect(height).toBeGreaterThan(200)
  })

  test('PNG and SVG show the same', async () => {
    const folder = temporaryFolder()
    await result.save(join(folder, 'a.png'))
    await result.save(join(folder, 'a.svg'))
    const small = async (name: string): Promise<Buffer> =>
      sharp(join(folder, name)).flatten({ background: 'white' }).resize(64, 64, { fit: 'fill' }).raw().toBuffer()
    const [png, svg] = [await small('a.png'), await small('a.svg')]
    const off = png.reduce((sum, v, i) => sum + Math.abs(v - (svg[i] ?? 0)), 0) / png.length
    expect(off).toBeLessThan(3)
  })
})

test('colour map, opacity and sign change what is drawn', async () => {
  const folder = temporaryFolder()
  await result.save(join(folder, 'plain.png'))
  await result.save(join(folder, 'jet.png'), { colormap: 'jet' })
  await result.save(join(folder, 'faint.png'), { opacity: 0.1 })
  await result.save(join(folder, 'signed.png'), { signed: true })
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('base64'))
  expect(new Set(files).size).toBe(4)
})

describe('refused, leaving nothing behind', () => {
  test.each(['cat.bmp', 'cat.npy', 'cat', 'cat.png.txt'])('%s', async (name) => {
    const folder = temporaryFolder()
    const error = await failureOf(result.save(join(folder, name)))
    expect(error.code).toBe('bad-option')
    expect(error.message).toContain('.png, .svg, .jpg')
    expect(readdirSync(folder)).toEqual([])
  })

  test('a folder that is not there', async () => {
    const folder = temporaryFolder()
    expect((await failureOf(result.save(join(folder, 'none', 'cat.png')))).code).toBe('cannot-write')
    expect(readdirSync(folder)).toEqual([])
  })
})

test('the map of a tensor is drawn on what the tensor shows', async () => {
  const path = join(temporaryFolder(), 'map.png')
  const ramp = Float32Array.from({ length: 3 * TINY_SIDE * TINY_SIDE }, (_, i) => i)
  const made = await model.explain(float32([3, TINY_SIDE, TINY_SIDE], ramp), { method: 'occlusion', target: 'cat' })
  await made.save(path)
  const { channels } = await sharp(path).stats()
  for (const c of channels.slice(0, 3)) expect(c.stdev).toBeGreaterThan(10)
})
