/**
 * Runs the studio's Python snippet for the shipped model, and keeps its text and its map as fixtures, which the tests compare with what is
 * generated and computed now. First it prepares pictures by other preprocessings, and compares the pixels with onnxplain's.
 *
 *   tsx scripts/python-snippet.ts [PYTHON]
 *
 * PYTHON (default: python3) has onnxruntime, numpy and Pillow.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { imagenetPreprocessing, type PreprocessSpec, preprocess } from '../src/image/index.js'
import { readImage } from '../src/node/open.js'
import { pythonSnippet } from '../src/snippets/index.js'
import { PICTURE, shipped } from '../test/snippets/shipped.js'
import { pathOf } from '../test/support/files.js'
import { correlation } from '../test/support/measures.js'
import { readNpyFloat32 } from '../test/support/npy.js'

const LEAST = 0.999

const python = process.argv[2] ?? 'python3'
const usual = imagenetPreprocessing(96, 64)
/** Every branch of the preprocessing that the snippet writes out. */
const VARIANTS: readonly PreprocessSpec[] = [
  usual,
  { ...usual, resize: { kind: 'exact', height: 70, width: 90 }, crop: undefined, filter: 'lanczos', channels: 'BGR' },
  { ...usual, resize: { kind: 'none' }, crop: { height: 1200, width: 300 } },
  { ...usual, resize: { kind: 'shortest-edge', size: 80, limit: 100 }, crop: undefined, layout: 'NHWC' },
  {
    ...usual,
    resize: { kind: 'longest-edge', size: 96 },
    crop: undefined,
    pad: { height: 96, width: 97, at: 'centre', fill: 114 },
  },
  {
    ...usual,
    resize: { kind: 'longest-edge', size: 64 },
    crop: undefined,
    pad: { height: 70, width: 70, at: 'top-left', fill: 'mean' },
  },
  { ...imagenetPreprocessing(40, 40, 1), filter: 'box' },
]

const { subject, file, explanation } = await shipped()
const text = pythonSnippet(subject)
const picture = await readImage(PICTURE)
const folder = mkdtempSync(join(tmpdir(), 'onnxplain-snippet-'))
try {
  writeFileSync(join(folder, subject.file), file)
  writeFileSync(join(folder, 'snippet.py'), text)
  for (const preprocessing of VARIANTS) {
    const whole = pythonSnippet({ ...subject, preprocessing })
    const prepares = `${whole.slice(0, whole.indexOf('session ='))}np.save("pixels.npy", pixels.astype(np.float32)[0])\n`
    writeFileSync(join(folder, 'prepare.py'), prepares)
    execFileSync(python, ['prepare.py', PICTURE], { cwd: folder })
    const got = readNpyFloat32(join(folder, 'pixels.npy'))
    if ('dims' in picture) throw new Error('The picture is a tensor')
    const want = preprocess(picture, preprocessing)
    // decoders differ by single bytes
    const r = correlation(got.data, want.data)
    if (got.dims.join() !== want.dims.join() || r < LEAST)
      throw new Error(`${JSON.stringify(preprocessing)}: [${got.dims}] for [${want.dims}], correlation ${r}`)
    console.log(`prepared by ${preprocessing.resize.kind}: [${got.dims}], correlation ${r.toFixed(6)}`)
  }
  process.stdout.write(execFileSync(python, ['snippet.py', PICTURE], { cwd: folder, encoding: 'utf8' }))
  const map = readNpyFloat32(join(folder, 'heatmap.npy'))
  const r = correlation(map.data, explanation.raw.data)
  console.log(`correlation with onnxplain's map: ${r.toFixed(6)}`)
  if (map.dims.join() !== explanation.raw.dims.join() || r < LEAST)
    throw new Error(`The snippet's map is another one: [${map.dims}], correlation ${r}`)
  mkdirSync(pathOf('test/fixtures/studio'), { recursive: true })
  for (const [from, to] of [
    ['snippet.py', 'snippet.py'],
    ['heatmap.npy', 'snippet.npy'],
  ] as const)
    copyFileSync(join(folder, from), pathOf(`test/fixtures/studio/${to}`))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
