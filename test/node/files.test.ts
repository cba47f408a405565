/** Files: written whole or not at all, read with words that say what is wrong. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../src/explain/model-files.js'
import { readBytes, readIfThere, refuseUnwritable, writeWhole } from '../../src/node/files.js'
import { failureOf, temporaryFolder } from './support.js'

/** A place that no user can write, root included; undefined where the system has none. */
const sealed = existsSync('/proc/self') ? '/proc/onnxplain.png' : undefined

describe('writeWhole', () => {
  test('writes bytes and text, and over what was there', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'map.bin')
    await writeWhole(path, Uint8Array.of(1, 2, 3))
    await writeWhole(path, 'second')
    expect(readFileSync(path, 'utf8')).toBe('second')
    expect(readdirSync(folder)).toEqual(['map.bin'])
  })

  test('leaves nothing behind where the move fails', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'taken'))
    const error = await failureOf(writeWhole(join(folder, 'taken'), 'text'))
    expect(error.code).toBe('cannot-write')
    expect(readdirSync(folder)).toEqual(['taken'])
    expect(readdirSync(join(folder, 'taken'))).toEqual([])
  })

  test('leaves nothing behind where there is no folder', async () => {
    const folder = temporaryFolder()
    const error = await failureOf(writeWhole(join(folder, 'missing', 'map.bin'), 'text'))
    expect(error.code).toBe('cannot-write')
    expect(error.message).toContain('missing')
    expect(readdirSync(folder)).toEqual([])
  })

  test('what was there stays as it was where writing fails', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'map.bin')
    writeFileSync(path, 'first')
    const error = await failureOf(writeWhole(join(path, 'inside-a-file'), 'second'))
    expect(error.message).toContain('not a folder')
    expect(readFileSync(path, 'utf8')).toBe('first')
  })
})

describe('refuseUnwritable', () => {
  test('accepts a place that can be written, and leaves no trace', async () => {
    const folder = temporaryFolder()
    await refuseUnwritable(join(folder, 'new.png'))
    expect(readdirSync(folder)).toEqual([])
    writeFileSync(join(folder, 'old.png'), 'old')
    await refuseUnwritable(join(folder, 'old.png'))
    expect(readFileSync(join(folder, 'old.png'), 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['old.png'])
  })

  test('a folder', async () => {
    const error = await failureOf(refuseUnwritable(temporaryFolder()))
    expect(error.code).toBe('cannot-write')
    expect(error.message).toContain('it is a folder')
  })

  test('a missing folder, which is named', async () => {
    const folder = join(temporaryFolder(), 'missing')
    const error = await failureOf(refuseUnwritable(join(folder, 'map.png')))
    expect(error.code).toBe('cannot-write')
    expect(error.message).toContain(`there is no folder "${folder}"`)
  })

  test.skipIf(sealed === undefined)('a place that nobody can write (needs /proc)', async () => {
    const error = await failureOf(refuseUnwritable(sealed ?? ''))
    expect(error.code).toBe('cannot-write')
    expect(error.message).toContain('/proc/onnxplain.png')
    expect(error.message).not.toContain('does not exist') // it is the place that is wrong, not a file that is missing
  })
})

describe('reading', () => {
  test('says what is wrong', async () => {
    const folder = temporaryFolder()
    const missing = await failureOf(readBytes(join(folder, 'cat.jpg'), 'The picture'))
    expect(missing.code).toBe('cannot-read')
    expect(missing.message).toBe(`The picture "${join(folder, 'cat.jpg')}" cannot be read: it does not exist.`)
    const asFolder = await failureOf(readBytes(folder, 'The picture'))
    expect(asFolder.message).toContain('it is a folder')
  })

  test('through a link; and a file that may be missing', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'real'), 'text')
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    expect(Buffer.from(await readBytes(join(folder, 'link'), 'The file')).toString()).toBe('text')
    expect(await readIfThere(join(folder, 'none'), 'The file')).toBeUndefined()
    expect((await readIfThere(join(folder, 'link'), 'The file'))?.length).toBe(4)
  })

  test('JSON that is none', () => {
    expect(() => parseJson(Buffer.from('{"a": 1,}'), 'config.json')).toThrow('"config.json" is not JSON')
    expect(parseJson(Buffer.from('{"a": 1}'), 'config.json')).toEqual({ a: 1 })
  })
})
