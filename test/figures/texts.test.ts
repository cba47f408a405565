/** Figures of captions and answers: what stands above a map is what it explains. */
import { beforeAll, describe, expect, test } from 'vitest'
import { captionTargets, type ExplanationSet, questionWords } from '../../src/explain/index.js'
import { answersFigure, captionFigure } from '../../src/figures/index.js'
import type { Picture } from '../../src/image/index.js'
import { type NodeModel, open, readImage } from '../../src/node/open.js'
import type { FigureSpec } from '../../src/render/index.js'
import { pathOf } from '../support/files.js'

let picture: Picture
let captioner: NodeModel
beforeAll(async () => {
  picture = (await readImage(pathOf('models/shapes-captioner/examples/03.png'))) as Picture
  captioner = await open(pathOf('models/shapes-captioner'))
})

const GRAD_CAM = { id: 'grad-cam', title: 'Grad-CAM' }
const HIRES_CAM = { id: 'hires-cam', title: 'HiResCAM' }

/** What stands above each map, and the end of its bar. */
function maps({ rows }: FigureSpec): readonly (readonly [string, number])[] {
  let heads = rows[0]?.heads ?? []
  return rows.flatMap((row) => {
    heads = row.heads ?? heads
    return row.cells.flatMap((cell, c): [string, number][] =>
      'image' in cell && cell.bar ? [[heads[c]?.title ?? '', cell.bar.high]] : [],
    )
  })
}

/** The same of the explanations themselves. */
const largest = ({ explanations }: ExplanationSet, method: string): readonly number[] =>
  explanations.filter((e) => e.method.id === method).map((e) => e.heatmap.data.reduce((a, b) => Math.max(a, b), 0))

describe('the figure of a caption', () => {
  test('every word above its map, in rows; the picture once; several methods below each other', async () => {
    const text = captioner.model.text
    if (!text) throw new Error('a captioner without words')
    const caption = await captioner.caption(picture)
    const words = captionTargets(caption, text)
    const titles = words.map((w) => w.text)
    expect(titles.join(' ')).toBe(caption.text)
    const target = [...words.map((w) => ({ ...w.target, score: 'logit' as const })), 'word:*']
    const method = ['grad-cam', 'hires-cam']
    const set = await captioner.explainAll(picture, { caption: caption.inputIds, target, method })
    const one = captionFigure({ slices: [picture] }, set, [GRAD_CAM], words, {})
    expect(one.rows.map((r) => [r.heads?.length, r.cells.length])).toEqual([
      [4, 4],
      [4, 4],
      [4, 4],
    ])
    expect(one.rows.flatMap((r) => r.cells).filter((c) => 'image' in c && !c.bar)).toHaveLength(1)
    expect(maps(one).map(([title]) => title)).toEqual([...titles, 'the whole caption'])
    for (const [i, high] of largest(set, 'grad-cam').entries()) expect(maps(one)[i]?.[1]).toBeCloseTo(high, 2)
    expect(one.words?.words.map((w) => w.text)).toEqual(titles)
    const two = captionFigure({ slices: [picture] }, set, [GRAD_CAM, HIRES_CAM], words, {})
    expect(two.rows.map((r) => [r.title, r.heads !== undefined])).toEqual([
      ['Grad-CAM', true],
      ['HiResCAM', false],
      ['Grad-CAM', true],
      ['HiResCAM', false],
    ])
    const other = two.rows.flatMap((r) => (r.title === 'HiResCAM' ? r.cells : []))
    const ends = other.flatMap((c) => ('image' in c && c.bar ? [c.bar.high] : []))
    for (const [i, high] of largest(set, 'hires-cam').entries()) expect(ends[i]).toBeCloseTo(high, 0)
  })
})

describe('the figure of answers', () => {
  test('below each answer the words of the question, weighed for this answer', async () => {
    await using answerer = await open(pathOf('models/shapes-vqa'))
    const asked = { question: 'what color is the cross?', target: ['blue', 'purple'] }
    const set = await answerer.explainAll(picture, asked)
    const words = await questionWords(answerer.model, picture, asked)
    // in whatever order they come
    const weighed = [{ label: 'gradient x embedding', words: [...words].reverse() }]
    const figure = answersFigure({ slices: [picture] }, set, [GRAD_CAM], weighed, {})
    expect(figure.rows.map((r) => r.title)).toEqual(['blue', 'purple'])
    for (const [r, { words: own }] of words.entries())
      expect(figure.rows[r]?.words?.[0]?.words.map((w) => w.value)).toEqual(own.map((w) => w.importance))
  })
})
