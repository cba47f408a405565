/** Pictures and texts in one space, on the command line. */
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pathOf } from '../support/files.js'
import { expectDrawn, filesOf, onnxplain, pictureFolder } from './command.js'

const CLIP = pathOf('test/fixtures/targets/clip-two-files')
const folder = pictureFolder()
for (const name of ['cat', 'coffee']) copyFileSync(pathOf(`examples/${name}.jpg`), join(folder, `only-${name}.jpg`))
writeFileSync(join(folder, 'prompts.txt'), 'one four house\none star\n')

test('similar ranks pictures and draws maps in both directions', async () => {
  const { code, stdout } = await onnxplain(folder, 'similar', 'cat.jpg', 'only-coffee.jpg', 'only-cat.jpg', '-m', CLIP)
  expect(code).toBe(0)
  const cosines = [...stdout.matchAll(/^ +(-?\d\.\d{4}) +only-\w+\.jpg$/gm)].map((m) => Number(m[1]))
  expect(cosines).toHaveLength(2)
  expect(cosines[0]).toBeGreaterThan(cosines[1] ?? 1)
  expect(stdout).toContain('figure: cat.similar.png')
  await expectDrawn(join(folder, 'cat.similar.png'), 'png')
  const json = await onnxplain(
    folder,
    'similar',
    'cat.jpg',
    'only-cat.jpg',
    '-m',
    CLIP,
    '--json',
    '--quiet',
    '--top',
    '1',
  )
  const [found] = JSON.parse(json.stdout).pictures
  expect(found).toMatchObject({
    picture: 'only-cat.jpg',
    maps: { ofQuery: { dims: [3, 3] }, ofPicture: { dims: [3, 3] } },
  })
})

test('targets: a text, one text rather than another, a picture in the working folder, labels as prompts', async () => {
  const grad = ['-m', CLIP, '--method', 'grad-cam', '--quiet', '-o', 'out.png']
  const texts = ['text:one star', 'text:one star>one four house', 'similarity:only-coffee.jpg'].flatMap((t) => [
    '-t',
    t,
  ])
  const { code, stdout } = await onnxplain(folder, 'cat.jpg', ...texts, ...grad)
  expect(code).toBe(0)
  expect(stdout).toMatch(/“one star”: cosine -?0\.\d/)
  expect(stdout).toMatch(/rather than “one four house”: difference of cosines/)
  expect(stdout).toMatch(/like only-coffee.jpg: cosine/)
  const prompted = await onnxplain(folder, 'cat.jpg', '--labels', 'prompts.txt', ...grad)
  expect(prompted.stdout).toMatch(/0 {2}one four house +1\.000 {2}logit/)
  const before = filesOf(folder)
  for (const [args, message] of [
    [['cat.jpg', '-t', 'similarity:none.jpg', '-m', CLIP], /"none.jpg" cannot be read/],
    [['cat.jpg', '-t', 'text:a cat'], /reads no texts/],
  ] as const) {
    const { code, stderr } = await onnxplain(folder, ...args)
    expect(code).not.toBe(0)
    expect(stderr.trim().split('\n').at(-1)).toMatch(message)
  }
  expect(filesOf(folder)).toEqual(before)
})
