import { describe, expect, it } from 'vitest'
import { parseFont } from '../../src/render/index.js'
import { fitText } from '../../src/render/text.js'
import { pathBox } from './boxes.js'
import { interFonts } from './rasterise.js'

const { regular, bold } = interFonts()

describe('font', () => {
  it('places a text by its anchor, in proportion to its size', () => {
    const width = regular.width('Egyptian cat', 20)
    expect(regular.width('Egyptian cat', 40)).toBeCloseTo(2 * width)
    expect(width).toBeGreaterThan(90)
    expect(width).toBeLessThan(150)
    for (const [anchor, left] of [
      ['start', 100],
      ['middle', 100 - width / 2],
      ['end', 100 - width],
    ] as const) {
      const box = pathBox(regular.textPath('Egyptian cat', { sizePx: 20, x: 100, y: 50, anchor }))
      expect(Math.abs(box.x - left)).toBeLessThan(4)
      expect(box.width).toBeLessThan(width)
      expect(box.y).toBeGreaterThan(50 - 20)
    }
    expect(bold.width('Egyptian cat', 20)).toBeGreaterThan(width)
  })

  it.each(['エジプシャン・マウ', 'القط المصري', '🐈‍⬛', 'e\u0301\u0302', '\ud800', 'a\u0000\tb', '→', '\u200b', ''])(
    'draws %j without failing',
    (text) => {
      const path = regular.textPath(text, { sizePx: 20 })
      expect(path).not.toMatch(/NaN|undefined|Infinity/)
      expect(regular.width(text, 20)).toBeGreaterThanOrEqual(0)
    },
  )

  it('draws a box for each character it lacks, and none for joiners', () => {
    const boxes = (text: string) => regular.textPath(text, { sizePx: 20 }).match(/Z/g)?.length ?? 0
    expect(boxes('猫')).toBe(2)
    expect(regular.width('猫猫', 20)).toBeCloseTo(2 * regular.width('猫', 20))
    expect(regular.textPath('\u200d\ufe0f', { sizePx: 20 })).toBe('')
  })

  it('looks in the fallbacks for letters that the first font lacks', () => {
    const outline = regular.textPath('ő', { sizePx: 20 })
    expect(outline).not.toBe(regular.textPath('猫', { sizePx: 20 }))
    expect(outline).toContain('Q')
  })

  it('refuses bytes that are no font', () => {
    expect(() => parseFont(new Uint8Array(64))).toThrowError(expect.objectContaining({ code: 'cannot-read' }))
  })
})

describe('fitText', () => {
  const label = 'Old English sheepdog, bobtail, also known by a name thatisonewordandfarlongerthanthecolumn'

  it.each([40, 120, 300, 2000])('keeps within %i pixels and says it all when it may', (maxWidth) => {
    const block = fitText(regular, label, { maxWidth, sizePx: 24, minSizePx: 12 })
    for (const line of block.lines) expect(regular.width(line, block.sizePx)).toBeLessThanOrEqual(maxWidth)
    expect(block.lines.join('').replaceAll(' ', '')).toBe(label.replaceAll(' ', ''))
  })

  it('shrinks before it cuts, and ends with an ellipsis when it does cut', () => {
    const shrunk = fitText(regular, 'Guided backpropagation', { maxWidth: 200, maxLines: 1, sizePx: 24, minSizePx: 12 })
    expect(shrunk.lines).toEqual(['Guided backpropagation'])
    expect(shrunk.sizePx).toBeLessThan(24)
    const cut = fitText(regular, label, { maxWidth: 120, maxLines: 2, sizePx: 24, minSizePx: 12 })
    expect(cut.lines).toHaveLength(2)
    expect(cut.lines[1]).toMatch(/…$/)
  })

  it('keeps within a height', () => {
    const block = fitText(regular, label, { maxWidth: 120, maxHeight: 60, sizePx: 24, minSizePx: 10 })
    expect(block.height).toBeLessThanOrEqual(60)
  })

  it('gives nothing for nothing', () => {
    expect(fitText(regular, ' ', { maxWidth: 9, sizePx: 9 })).toMatchObject({ lines: [], height: 0 })
  })
})
