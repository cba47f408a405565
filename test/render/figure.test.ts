import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import {
  barLabels,
  type FigureCell,
  type FigureSpec,
  formatNumber,
  layoutFigure,
  type Pixels,
  type Scene,
  type SceneImage,
  sceneToSvg,
  shownSize,
} from '../../src/render/index.js'
import { contains, occupied, overlaps } from './boxes.js'
import { interFonts, rasterise } from './rasterise.js'

const fonts = interFonts()
const plain = (width: number, height: number, colour = 120): Pixels => ({
  width,
  height,
  data: new Uint8Array(width * height * 4).fill(255).map((v, i) => (i % 4 === 3 ? v : colour)),
})
const map = (image = plain(64, 48)): FigureCell => ({
  image,
  bar: { colormap: 'turbo', low: 0, high: 8.31, kind: 'positive', unit: 'logit' },
})
const signed: FigureCell = {
  image: plain(64, 48),
  bar: { colormap: 'red-blue', low: -0.0123, high: 0.0123, kind: 'signed' },
}
const usual: FigureSpec = {
  columns: [
    { title: 'Picture' },
    { title: 'Guided backpropagation' },
    { title: 'Grad-CAM', subtitle: 'relu6_34, 7 × 7' },
    { title: 'CAM' },
  ],
  rows: [
    {
      title: 'Egyptian cat',
      subtitle: 'p = 0.40, logit 8.31',
      cells: [{ image: plain(64, 48) }, signed, map(), map()],
    },
    {
      title: 'espresso',
      subtitle: 'p = 0.08, logit 6.70',
      cells: [{ image: plain(64, 48) }, signed, map(), { message: 'not applicable: no global average pooling' }],
    },
  ],
  caption: 'Each map is scaled to its own maximum. '.repeat(12),
  footer: 'onnxplain 0.1.0',
}
const long = 'shopping cart, trolley, or pneumonoultramicroscopicsilicovolcanoconiosis of the second kind'
const awkward: FigureSpec = {
  columns: [{ title: long, subtitle: long }, { title: '混淆 🐈 Ünïcödé' }, { title: '' }],
  rows: [
    { title: long, subtitle: long, cells: [map(), map(plain(10, 90)), { message: `${long} ${long}` }] },
    {
      title: 'エジプシャン・マウ',
      subtitle: '',
      cells: [{ message: '' }, { message: long.replaceAll(' ', '') }, signed],
    },
  ],
}
const bare: FigureSpec = { columns: [{ title: '' }], rows: [{ title: '', subtitle: '', cells: [map()] }] }

const word = (text: string, value?: number) => ({ text, note: '+0.12', ...(value === undefined ? {} : { value }) })
const line = { words: ['what', 'color', 'is', long, '猫', '?'].map((text, i) => word(text, i - 2)) }
const worded: FigureSpec = {
  words: { words: `${long} of`.split(' ').map((text) => word(text)) },
  columns: [{ title: 'picture' }, { title: 'a' }],
  rows: [
    { title: '', subtitle: '', cells: [{ image: plain(64, 48) }, map()], words: [line, { ...line, label: long }] },
    { title: 'x', subtitle: '', heads: [{ title: long }, { title: 'of' }], cells: [map(), { message: '' }] },
  ],
}

const texts = (scene: Scene) => scene.items.flatMap((item) => (item.kind === 'path' ? [item.text] : []))

describe('layoutFigure', () => {
  const sizes = [60, 140, 300].flatMap((cellWidth) => [1, 2].map((scale) => [cellWidth, scale] as const))
  const cases = Object.entries({ usual, awkward, bare }).flatMap(([name, spec]) =>
    sizes.map(([cellWidth, scale]) => [name, cellWidth, scale, spec] as const),
  )
  cases.push(['worded', 60, 1, worded], ['worded', 300, 1, worded])
  it.each(cases)('keeps everything apart and inside: %s, cells of %i px, %ix', (_, cellWidth, scale, spec) => {
    const scene = layoutFigure(spec, fonts, { cellWidth, scale })
    const canvas = { x: 0, y: 0, width: scene.width, height: scene.height }
    const boxes = occupied(scene)
    for (const [i, a] of boxes.entries()) {
      expect(contains(canvas, a.box)).toBe(true)
      for (const b of boxes.slice(i + 1)) {
        const inPanel = a.item.kind === 'rect' && b.item.kind === 'path' && contains(a.item, b.box)
        if (!inPanel)
          expect(
            overlaps(a.box, b.box),
            JSON.stringify([a, b], (k, v) => (k === 'pixels' ? 0 : v)),
          ).toBe(false)
      }
    }
  })

  it('puts pictures on whole pixels, in rows and columns, in the aspect of the picture', () => {
    const scene = layoutFigure(usual, fonts, { cellWidth: 200, scale: 1.5 })
    const pictures = scene.items.filter((item): item is SceneImage => item.kind === 'image' && item.pixels.width === 64)
    expect(pictures).toHaveLength(7)
    for (const { x, y, width, height } of pictures) {
      expect([x, y, width, height].every(Number.isInteger)).toBe(true)
      expect([width, height]).toEqual([300, 225])
    }
    expect(new Set(pictures.map((item) => item.x)).size).toBe(4)
    expect(new Set(pictures.map((item) => item.y)).size).toBe(2)
  })

  it('centres a picture of another aspect without stretching it', () => {
    const scene = layoutFigure(awkward, fonts, { scale: 1 })
    const tall = scene.items.find((item): item is SceneImage => item.kind === 'image' && item.pixels.height === 90)
    expect(tall).toMatchObject({ width: 25, height: 225 })
  })

  it.each([
    [20, 4000, 2, 400],
    [4000, 20, 200, 1],
    [30, 50, 200, 333],
  ])('a picture of %i x %i is %i x %i in its cell, and cells are from 1:2 to 2:1', (width, height, ...drawn) => {
    const spec = { ...bare, rows: [{ title: '', subtitle: '', cells: [{ image: plain(width, height) }] }] }
    const scene = layoutFigure(spec, fonts, { cellWidth: 200, scale: 1 })
    const [image] = scene.items.filter((item): item is SceneImage => item.kind === 'image')
    expect([image?.width, image?.height]).toEqual(drawn)
    expect(shownSize({ width, height }, { cellWidth: 200, scale: 1 })).toEqual({ width: drawn[0], height: drawn[1] })
    expect(scene.width).toBeLessThan(300)
    expect(scene.height).toBeGreaterThan(100)
    expect(scene.height).toBeLessThan(500)
  })

  it('tints words by their share of the largest in their line, red for and blue against; zero is white', () => {
    const scene = layoutFigure(worded, fonts)
    const fills = scene.items.flatMap((item) =>
      item.kind === 'rect' && item.fill.startsWith('rgb') ? [item.fill.match(/\d+/g)?.map(Number) ?? []] : [],
    )
    expect(fills).toHaveLength(12)
    expect(fills.slice(6)).toEqual(fills.slice(0, 6))
    const redness = fills.slice(0, 6).map(([r = 0, , b = 0]) => r - b)
    expect(redness).toEqual([...redness].sort((a, b) => a - b))
    expect(fills[2]).toEqual([255, 255, 255])
    expect(redness[0]).toBeLessThan(-50)
    expect(redness[5]).toBeGreaterThan(50)
  })

  it('writes titles, scores, the ends of the bars and messages', () => {
    const written = texts(layoutFigure(usual, fonts))
    for (const text of ['Egyptian cat', 'p = 0.40, logit 8.31', 'Grad-CAM', '0', '8.31 logit', '−0.0123', '+0.0123']) {
      expect(written).toContain(text)
    }
    expect(written.join(' ')).toContain('not applicable: no global average pooling')
  })

  it('does the same again, and scales as a whole', () => {
    expect(layoutFigure(usual, fonts)).toEqual(layoutFigure(usual, fonts))
    const [one, two] = [1, 2].map((scale) => layoutFigure(usual, fonts, { scale }))
    expect(Math.abs((two?.width ?? 0) - 2 * (one?.width ?? 0))).toBeLessThan(12)
  })

  it.each<[string, FigureSpec, object]>([
    ['no columns', { columns: [], rows: [] }, {}],
    [
      'a short row',
      { columns: [{ title: 'a' }, { title: 'b' }], rows: [{ title: '', subtitle: '', cells: [map()] }] },
      {},
    ],
    ['narrow cells', bare, { cellWidth: 3 }],
    ['no scale', bare, { scale: 0 }],
  ])('refuses %s', (_, spec, options) => {
    expect(() => layoutFigure(spec, fonts, options)).toThrowError(expect.objectContaining({ code: 'bad-option' }))
  })
})

describe('colour bars', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [8.3149, '8.31'],
    [30, '30'],
    [-0.04062, '−0.0406'],
    [1234.5, '1230'],
    [0.00001234, '1.23e−5'],
    [-6.02e23, '−6.02e23'],
    [0.9999, '1'],
  ])('writes %d as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text)
  })

  it('drops the unit, then the zero, where there is no room', () => {
    const bar = { colormap: 'red-blue', low: -0.123, high: 0.123, kind: 'signed', unit: 'logit' } as const
    const at = (width: number) => barLabels(bar, fonts.regular, width, 17, 12).map((label) => label.text)
    expect(at(300)).toEqual(['−0.123', '0', '+0.123 logit'])
    expect(at(120)).toEqual(['−0.123', '0', '+0.123'])
    expect(at(84)).toEqual(['−0.123', '+0.123'])
  })

  it('has one label for a blank map', () => {
    const blank = { colormap: 'turbo', low: 0, high: 0, kind: 'positive' } as const
    expect(barLabels(blank, fonts.regular, 300, 17, 12).map((label) => label.text)).toEqual(['0'])
  })
})

describe('sceneToSvg', () => {
  const spec: FigureSpec = {
    ...bare,
    rows: [{ title: `<b>"R&D"</b> \u0001\ud800`, subtitle: '', cells: [map()] }],
  }

  it('embeds pictures when they can be encoded and leaves them to the host when not', () => {
    const scene = layoutFigure(spec, fonts)
    const whole = sceneToSvg(scene, () => 'data:image/png;base64,AAAA')
    expect(whole.match(/<image /g)).toHaveLength(2)
    expect(whole).toContain('fill="#ffffff"')
    const vector = sceneToSvg(scene)
    expect(vector).not.toMatch(/<image |#ffffff/)
    expect(vector.match(/<path /g)?.length).toBe(whole.match(/<path /g)?.length)
  })

  it('escapes labels', () => {
    const svg = sceneToSvg(layoutFigure(spec, fonts))
    expect(svg).toContain('&#60;b&#62;&#34;R&#38;D&#34;&#60;/b&#62;')
    expect(svg).toContain('\ufffd')
    expect(svg).not.toContain('<b>')
    expect(svg).not.toContain('\u0001')
  })

  it('draws: pictures where they belong, text on white, a bar in its colours', async () => {
    const scene = layoutFigure(usual, fonts, { cellWidth: 150, scale: 1 })
    const { data, info } = await sharp(await rasterise(scene))
      .raw()
      .toBuffer({ resolveWithObject: true })
    const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * info.channels).subarray(0, 3)]
    expect([info.width, info.height]).toEqual([scene.width, scene.height])
    expect(at(0, 0)).toEqual([255, 255, 255])
    const images = scene.items.filter((item): item is SceneImage => item.kind === 'image')
    const middle = (item: SceneImage) => at(Math.floor(item.x + item.width / 2), Math.floor(item.y + item.height / 2))
    expect(images.filter((item) => item.pixels.width === 64).map(middle)).toEqual(Array(7).fill([120, 120, 120]))
    const bar = images.find((item) => item.height < 20 && item.pixels.data[0] === 5)
    expect(bar && at(bar.x + 2, bar.y + 4)[2]).toBeGreaterThan(90)
    const title = occupied(scene).find(({ item }) => item.kind === 'path' && item.text === 'Egyptian cat')
    const dark =
      title &&
      Array.from({ length: Math.floor(title.box.width) }, (_, i) =>
        at(Math.floor(title.box.x) + i, Math.floor(title.box.y + title.box.height / 2)),
      ).filter(([r = 255]) => r < 90)
    expect(dark?.length).toBeGreaterThan(5)
  })
})
