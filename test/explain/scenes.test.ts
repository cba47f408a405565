/**
 * Words of captions and answers to questions, on 212 scenes whose boxes are known: captions, answers and maps as PyTorch has them on the same weights,
 * and how often the peak of a map lies in the box of the shape that the word or the answer is about.
 */
import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { correlation } from '../../src/core/correlation.js'
import { type Explanation, questionWords } from '../../src/explain/index.js'
import type { Picture } from '../../src/image/index.js'
import { type NodeModel, open, readImage } from '../../src/node/open.js'
import { pathOf } from '../support/files.js'
import { readNpyFloat32 } from '../support/npy.js'

const SIDE = 96
const COLUMNS = 20
const PLACES = 144
const EXAMPLES = 12
/** Scenes that are explained; all 212 where ONNXPLAIN_ALL_SCENES is set, which take 20 s. */
const SCENES = process.env.ONNXPLAIN_ALL_SCENES ? Number.POSITIVE_INFINITY : 64

interface Reference {
  readonly map: number
  readonly score: number
  readonly scale: number
}
interface About extends Reference {
  readonly thing: number | null
  /** By method. */
  readonly hit: Readonly<Record<string, boolean>> | null
  readonly embedding?: readonly number[]
}
interface Scene {
  readonly name: string
  readonly caption: string
  readonly ids: readonly number[]
  readonly whole: Reference
  readonly open?: Reference
  readonly words: readonly (About & { readonly position: number; readonly word: string; readonly log?: Reference })[]
  readonly beams?: readonly (readonly [string, number])[]
  readonly answers: readonly (About & {
    readonly question: string
    readonly answer: string
    readonly probability: number
  })[]
}
interface Pointing {
  readonly count: number
  readonly hits: Readonly<Record<string, number>>
  readonly chance: number
}
interface Thing {
  readonly box: readonly [number, number, number, number]
}

const json = (path: string) => JSON.parse(readFileSync(pathOf(path), 'utf8'))
const references: {
  readonly scenes: readonly Scene[]
  readonly pointing: { readonly words: Pointing; readonly answers: Pointing }
} = json('test/fixtures/scenes/references.json')
const { data: maps } = readNpyFloat32(pathOf('test/fixtures/scenes/maps.npy'))
const truth = Object.values(json('models/shapes-captioner/examples/truth.json')) as { things: readonly Thing[] }[]
const things: readonly (readonly Thing[])[] = [...truth, ...json('test/fixtures/scenes/truth.json')].map(
  (t) => t.things,
)

/** PyTorch's map. */
const mapOf = ({ map }: Reference): Float32Array => maps.subarray(map * PLACES, (map + 1) * PLACES)
const alike = (e: Explanation, reference: Reference): number => correlation(e.raw.data, mapOf(reference)) ?? 0

/** True where the largest pixel of the map on the picture lies in the thing's box. */
function pointsAt({ heatmap }: Explanation, thing: Thing | undefined): boolean {
  const [x0, y0, x1, y1] = thing?.box ?? [0, 0, -1, -1]
  let peak = 0
  for (const [i, v] of heatmap.data.entries()) if (v > (heatmap.data[peak] ?? 0)) peak = i
  const [x, y] = [peak % SIDE, Math.floor(peak / SIDE)]
  return x >= x0 && x <= x1 && y >= y0 && y <= y1
}

let scenes: readonly Picture[] = []
let captioner: NodeModel
let answerer: NodeModel
beforeAll(async () => {
  captioner = await open(pathOf('models/shapes-captioner'))
  answerer = await open(pathOf('models/shapes-vqa'))
  const { data, info } = await sharp(pathOf('test/fixtures/scenes/scenes.webp'))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const drawn = Array.from({ length: references.scenes.length - EXAMPLES }, (_, n): Picture => {
    const [left, top] = [(n % COLUMNS) * SIDE, Math.floor(n / COLUMNS) * SIDE]
    const rows = Array.from({ length: SIDE }, (_, y) => {
      const from = ((top + y) * info.width + left) * 4
      return data.subarray(from, from + SIDE * 4)
    })
    return { width: SIDE, height: SIDE, data: new Uint8Array(Buffer.concat(rows)) }
  })
  const examples = await Promise.all(
    references.scenes.slice(0, EXAMPLES).map((s) => readImage(pathOf(`models/shapes-captioner/examples/${s.name}`))),
  )
  scenes = [...(examples as Picture[]), ...drawn]
})

const picture = (n: number): Picture => {
  const found = scenes[n]
  if (!found) throw new Error(`there is no scene ${n}`)
  return found
}

describe('the captioner', () => {
  test('words: each map is that of PyTorch, all of one run; its peak lies in the box of its shape far oftener than by chance', async () => {
    const { chance } = references.pointing.words
    let [found, seen, hits, least] = [0, 0, 0, 1]
    for (const [n, scene] of references.scenes.slice(0, SCENES).entries()) {
      const target = [...scene.words.map((w) => `word:${w.position}`), 'word:*']
      const { explanations } = await captioner.model.explainAll(picture(n), { caption: [1, ...scene.ids], target })
      for (const [i, e] of explanations.entries()) {
        const word = scene.words[i]
        least = Math.min(least, alike(e, word ?? scene.whole))
        if (word) expect(e.answer.label).toBe(word.word)
        expect(e.answer.logit).toBeCloseTo((word ?? scene.whole).score, 3)
        if (!word || word.thing === null) continue
        seen++
        if (word.hit?.['grad-cam']) hits++
        const isHit = pointsAt(e, things[n]?.[word.thing])
        if (isHit) found++
      }
    }
    expect(least).toBeGreaterThan(0.999)
    // a peak between two cells may fall on either side
    expect(Math.abs(found - hits)).toBeLessThanOrEqual(1)
    expect(found / seen).toBeGreaterThan(4 * chance)
  })

  test('captions are those of PyTorch, written greedily and by beams', async () => {
    for (const [n, scene] of references.scenes.slice(0, 16).entries()) {
      const caption = await captioner.model.caption(picture(n))
      expect(caption.text).toBe(scene.caption)
      expect(caption.words.map((w) => w.id)).toEqual(scene.ids)
      const beams = await captioner.model.captions(picture(n), { beams: 3, lengthPenalty: 1 })
      expect(beams.map((b) => b.text)).toEqual(scene.beams?.map(([text]) => text))
    }
  })
})

describe('the question answerer', () => {
  test('answers: each map is that of PyTorch; its peak lies in the box that the question is about far oftener than by chance', async () => {
    const { chance } = references.pointing.answers
    let [found, seen, hits, least] = [0, 0, 0, 1]
    for (const [n, scene] of references.scenes.slice(0, SCENES).entries())
      for (const reference of scene.answers) {
        const e = await answerer.model.explain(picture(n), { question: reference.question })
        expect([e.answer.label, e.answer.probability]).toEqual([
          reference.answer,
          expect.closeTo(reference.probability, 3),
        ])
        least = Math.min(least, alike(e, reference))
        if (reference.thing === null) continue
        seen++
        if (reference.hit?.['grad-cam']) hits++
        if (pointsAt(e, things[n]?.[reference.thing])) found++
      }
    expect(least).toBeGreaterThan(0.999)
    // a peak between two cells may fall on either side
    expect(Math.abs(found - hits)).toBeLessThanOrEqual(1)
    expect(found / seen).toBeGreaterThan(6 * chance)
  })

  test('words of the question: their embeddings times the gradient by them, as PyTorch has it', async () => {
    for (const [n, scene] of references.scenes.slice(0, 6).entries())
      for (const { question, embedding } of scene.answers) {
        const e = await answerer.model.explain(picture(n), { question, method: 'input-x-gradient', wrt: 'input_ids' })
        expect(e.drawable).toBe(false)
        expect(correlation(e.raw.data, Float32Array.from(embedding ?? []))).toBeGreaterThan(0.9999)
        const [found] = await questionWords(answerer.model, picture(n), { question })
        const worth = found?.words.map((w) => w.importance) ?? []
        // what fills the row stands in front, and is no word
        const reference = embedding?.slice(-worth.length) ?? []
        expect(worth.length).toBe(question.split(' ').length)
        for (const [i, value] of reference.entries()) expect(worth[i]).toBeCloseTo(value, 3)
      }
  })
})
