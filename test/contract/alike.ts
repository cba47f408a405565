/** Two answers to one question: the same in everything but the last digits. */
import { correlation } from '../support/measures.js'

/** How far numbers may be apart, relative to 1 or to their size, and how alike maps have to be. */
export interface Limits {
  readonly numbers: number
  readonly correlation: number
}

/** What differs, a line each: `maps.0.raw.data: correlation 0.98`. */
export function differences(got: unknown, want: unknown, limits: Limits, path = ''): readonly string[] {
  if (typeof got === 'number' && typeof want === 'number') {
    const off = Math.abs(got - want)
    return off <= limits.numbers * Math.max(1, Math.abs(want)) || Object.is(got, want)
      ? []
      : [`${path}: ${got}, not ${want}`]
  }
  if (got instanceof Float32Array && want instanceof Float32Array) {
    const like = correlation(got, want)
    const isConstant = want.every((v) => v === want[0]) && got.every((v) => v === got[0])
    return like >= limits.correlation || (isConstant && got.length === want.length)
      ? []
      : [`${path}: correlation ${like} of ${got.length} and ${want.length} numbers`]
  }
  if (ArrayBuffer.isView(got) && ArrayBuffer.isView(want)) {
    const [a, b] = [got, want].map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength))
    return a && b && a.equals(b) ? [] : [`${path}: ${got.byteLength} bytes, not the same ${want.byteLength}`]
  }
  if (typeof got === 'object' && typeof want === 'object' && got !== null && want !== null) {
    const [a, b] = [got as Record<string, unknown>, want as Record<string, unknown>]
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
      differences(a[key], b[key], limits, path === '' ? key : `${path}.${key}`),
    )
  }
  return got === want ? [] : [`${path}: ${JSON.stringify(got)}, not ${JSON.stringify(want)}`]
}
