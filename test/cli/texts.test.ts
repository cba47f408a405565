/** `onnxplain caption` and `onnxplain ask`: what they print and draw, and what they say of bad input. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { expectDrawn, filesOf, onnxplain, quietly } from './command.js'

/** A folder with an orange square left of a blue cross, `scene.png`. */
function sceneFolder(): string {
  const folder = temporaryFolder()
  copyFileSync(pathOf('models/shapes-captioner/examples/03.png'), join(folder, 'scene.png'))
  return folder
}

const CAPTION = 'a large orange square left of a small blue cross'

describe('caption', () => {
  test('writes the caption, each word, and a figure of all words', async () => {
    const folder = sceneFolder()
    const out = quietly(await onnxplain(folder, 'caption', 'scene.png', '--quiet'))
    const lines = out.split('\n')
    expect(lines.slice(0, 2)).toEqual(['scene.png', `  ${CAPTION}`])
    expect(lines[2]).toMatch(/^ {2}log-probability -0\.0006 \(p = 1\.00, its end included\)$/)
    expect(lines.slice(3, 13).map((l) => l.trim().split(/ +/).slice(0, 2).join(' '))).toEqual(
      CAPTION.split(' ').map((w, i) => `${i} ${w}`),
    )
    expect(out).toMatch(/\n {2}figure: scene\.caption\.png\n$/)
    expect(filesOf(folder)).toEqual(['scene.caption.png', 'scene.png'])
    await expectDrawn(join(folder, 'scene.caption.png'), 'png')
  })

  test('as JSON: a given text, a phrase of it by two methods; no figure unless one is named', async () => {
    const folder = sceneFolder()
    const given = ['--caption', 'A large orange cross', '-t', 'word:orange cross', '-t', 'large', '--guided']
    const ran = await onnxplain(folder, 'caption', 'scene.png', ...given, '--json', '--quiet')
    const { caption, explanations, figure } = JSON.parse(quietly(ran))
    expect(caption.text).toBe('a large orange cross')
    expect(caption.words.at(-1).piece).toBe('<eos>')
    expect(figure).toBeNull()
    expect(
      explanations.map((e: { method: string; target: { positions: number[] } }) => [e.method, e.target.positions]),
    ).toEqual([
      ['grad-cam', [2, 3]],
      ['grad-cam', [1]],
      ['guided-grad-cam', [2, 3]],
      ['guided-grad-cam', [1]],
    ])
    expect(filesOf(folder)).toEqual(['scene.png'])
  })

  test('bad input: a classifier, a word that is not there, no picture, beams', async () => {
    const folder = sceneFolder()
    const classifier = pathOf('test/fixtures/networks/resnet.onnx')
    const said = async (...args: readonly string[]): Promise<string> => {
      const ran = await onnxplain(folder, 'caption', ...args, '--quiet')
      expect(ran.code, ran.stderr).toBeGreaterThan(0)
      expect(filesOf(folder)).toEqual(['scene.png'])
      return ran.stderr
    }
    expect(await said('scene.png', '-m', classifier)).toMatch(/This model writes no texts.*\[method-not-applicable\]/)
    expect(await said('scene.png', '-t', 'word:circle')).toMatch(/"circle" is not in the text.*a large orange/s)
    expect(await said('scene.png', '--caption', 'a large orange squire')).toMatch(/"squire".*Did you mean "square"/s)
    expect(await said('scene.png', '--caption', ' ')).toMatch(/The caption has no words/)
    expect(await said(pathOf('package.json'), '-o', 'x.png')).toMatch(/\[invalid-image\]/)
    expect(await said('scene.png', '--beams', '0')).toMatch(/--beams/)
  })
})

describe('ask', () => {
  const QUESTION = 'what color is the cross?'

  test('answers, the worth of each word, and a figure with a row for each answer', async () => {
    const folder = sceneFolder()
    const out = quietly(
      await onnxplain(folder, 'ask', 'scene.png', QUESTION, '--top', '2', '--occlude-words', '--quiet'),
    )
    expect(out).toMatch(/^scene\.png\n {2}what color is the cross\?\n +8 {2}blue +1\.000 {2}logit 13\.65\n/)
    expect(out.match(/^ +\d+ {2}.* logit /gm)).toHaveLength(5)
    expect(out).toMatch(/\n {2}words of blue, gradient x embedding: what [\d.-]+, color [\d.]+, is .*, \? [\d.-]+\n/)
    expect(out).toMatch(/\n {2}words of purple, score lost without the word: what .*\n/)
    expect(out).toMatch(/\n {2}figure: scene\.answer\.png\n$/)
    await expectDrawn(join(folder, 'scene.answer.png'), 'png')
  })

  test('as JSON; another answer besides; the question is an option of the plain command too', async () => {
    const folder = sceneFolder()
    const ran = await onnxplain(folder, 'ask', 'scene.png', QUESTION, '-t', 'orange', '--json', '--quiet')
    const { question, answers, words, explanations } = JSON.parse(quietly(ran))
    expect([question, answers[0].label]).toEqual([QUESTION, 'blue'])
    const labels = (list: readonly { answer: { label: string } }[]) => list.map((e) => e.answer.label)
    expect(labels(explanations)).toEqual(['blue', 'orange'])
    const worth = words[0].words.map((w: { words: { text: string }[] }) => w.words.map(({ text }) => text).join(' '))
    expect(worth).toEqual(['what color is the cross ?', 'what color is the cross ?'])
    const plain = ['-m', pathOf('models/shapes-vqa'), '--question', QUESTION, '-t', 'blue', '--method', 'grad-cam']
    const same = JSON.parse(quietly(await onnxplain(folder, 'scene.png', ...plain, '--json', '--quiet')))
    expect(same.explanations[0].raw).toEqual(explanations[0].raw)
  })

  test('bad input: a classifier, a captioner, words that are not known, no question', async () => {
    const folder = sceneFolder()
    const said = async (...args: readonly string[]): Promise<string> => {
      const ran = await onnxplain(folder, ...args, '--quiet')
      expect(ran.code, ran.stderr).toBeGreaterThan(0)
      expect(filesOf(folder)).toEqual(['scene.png'])
      return ran.stderr
    }
    const ask = (question: string, ...args: readonly string[]) => said('ask', 'scene.png', question, ...args)
    expect(await ask(QUESTION, '-m', pathOf('test/fixtures/networks/resnet.onnx'))).toMatch(/takes no texts/)
    expect(await ask('a cross', '-m', pathOf('models/shapes-captioner'))).toMatch(
      /onnxplain caption PICTURE --question/,
    )
    expect(await ask('what colour is the cross?')).toMatch(/"colour". Did you mean "color"/)
    expect(await ask('')).toMatch(/The question has no words.*what color/s)
    expect(await said('ask', 'scene.png')).toMatch(/missing required argument 'question'/)
    expect(await said('scene.png', '-m', pathOf('models/shapes-vqa'))).toMatch(/input_ids.*--question/s)
  })
})
