/** Pictures and stored references for the tests of src/image. See scripts/image_fixtures.py. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ExplainError } from '../../src/core/errors.js'
import type { Picture } from '../../src/image/index.js'

/** The `noise` of scripts/image_fixtures.py: reaches 0 and 255 often. */
export function noise(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => {
    const a = (Math.imul(i, 2654435761) + 12345) >>> 0
    const v = Math.imul(a ^ (a >>> 15), 2246822519) >>> 24
    return Math.min(255, Math.max(0, (v - 128) * 2 + 128))
  })
}

export function noisePicture(width: number, height: number): Picture {
  return { width, height, data: noise(4 * width * height) }
}

/** A picture of one opaque or transparent colour. */
export function plain(width: number, height: number, rgba: readonly [number, number, number, number]): Picture {
  return { width, height, data: Uint8Array.from({ length: 4 * width * height }, (_, i) => rgba[i % 4] ?? 0) }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export function readCases<T>(name: string): T[] {
  const url = new URL(`../fixtures/image/${name}`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: T[] }).cases
}

/** The error that `run` throws; fails if it throws none, or another kind. */
export function thrownBy(run: () => unknown): ExplainError {
  try {
    run()
  } catch (error) {
    if (error instanceof ExplainError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
