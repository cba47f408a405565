/**
 * The programs that the studio offers for a compiled model. The Python one was run by scripts/python-snippet.ts, which keeps what it ran and
 * what came out; the TypeScript one is run here, against the built package.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonSnippet, type SnippetSubject, typescriptSnippet } from '../../src/snippets/index.js'
import { built } from '../cli/built.js'
import { run } from '../cli/command.js'
import { remove } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { correlation } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { PICTURE, type Shipped, shipped } from './shipped.js'

const FIXTURES = pathOf('test/fixtures/studio')

let made: Shipped
let folder: string

beforeAll(async () => {
  made = await shipped()
  folder = mkdtempSync(join(tmpdir(), 'onnxplain-snippets-'))
})

afterAll(() => remove(folder))

describe('Python', () => {
  test('the text is what was run', () => {
    expect(pythonSnippet(made.subject)).toBe(readFileSync(join(FIXTURES, 'snippet.py'), 'utf8'))
  })

  test("its map is onnxplain's", () => {
    const map = readNpyFloat32(join(FIXTURES, 'snippet.npy'))
    expect(map.dims).toEqual(made.explanation.raw.dims)
    expect(correlation(map.data, made.explanation.raw.data)).toBeGreaterThan(0.999)
  })
})

describe('TypeScript', () => {
  test("runs on the built package, and its map is onnxplain's", async () => {
    const home = join(folder, 'typescript')
    const packages = join(home, 'node_modules')
    mkdirSync(join(packages, 'onnxplain'), { recursive: true })
    cpSync(pathOf('package.json'), join(packages, 'onnxplain/package.json'))
    symlinkSync(join(await built(), 'dist'), join(packages, 'onnxplain/dist'), 'junction')
    for (const name of ['onnxruntime-node', 'sharp'])
      symlinkSync(pathOf(`node_modules/${name}`), join(packages, name), 'junction')
    writeFileSync(join(home, made.subject.file), made.file)
    writeFileSync(join(home, 'snippet.mts'), typescriptSnippet(made.subject))
    const tsx = pathOf('node_modules/tsx/dist/cli.mjs')
    const ran = await run(home, process.execPath, [tsx, 'snippet.mts', PICTURE])
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.stdout).toContain('[ 285, 8.')
    const map = readNpyFloat32(join(home, 'heatmap.npy'))
    expect(map.dims).toEqual(made.explanation.raw.dims)
    expect(correlation(map.data, made.explanation.raw.data)).toBeGreaterThan(0.999)
  })
})

describe('what is not usual', () => {
  const odd = (): SnippetSubject => ({
    ...made.subject,
    file: 'a "b" \\ c.onnx',
    input: { name: "it's", type: 'float16', batch: 4 },
    others: [{ name: 'count', type: 'int64', dims: [1, 2], values: [3, 4] }],
    target: { index: 1, label: 'two\nlines' },
  })

  test('other inputs, other types, a fixed batch', () => {
    const python = pythonSnippet(odd())
    expect(python).toContain('"it\'s": np.repeat(pixels, 4, axis=0).astype(np.float16),')
    expect(python).toContain('"count": np.array([3, 4], np.int64).reshape((1, 2)),')
    expect(python).toContain('np.full(4, CLASS, np.int64)')
    const typescript = typescriptSnippet(odd())
    expect(typescript).toContain("'it\\'s': new Tensor('float16', Float16Array.from(pixels), [4, ...prepared.dims]),")
    expect(typescript).toContain("'count': new Tensor('int64', BigInt64Array.of(3n, 4n), [1, 2]),")
  })

  test('names and labels break out of nothing', () => {
    expect(pythonSnippet(odd())).toContain('MODEL = "a \\"b\\" \\\\ c.onnx"')
    expect(typescriptSnippet(odd())).toContain(`const MODEL = 'a "b" \\\\ c.onnx'`)
    for (const text of [pythonSnippet(odd()), typescriptSnippet(odd())]) {
      expect(text).toContain('two lines')
      expect(text).not.toContain('two\n')
    }
  })
})
