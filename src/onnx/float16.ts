/** IEEE 754 half precision, which Node 20 has no array for: conversion of single numbers and of arrays. */

/** The nearest float16 (ties to even) as its bits. */
export function float16Bits(value: number): number {
  const f = new Float32Array([value])
  const bits = new Uint32Array(f.buffer)[0] ?? 0
  const sign = (bits >>> 16) & 0x8000
  const rest = bits & 0x7fffffff
  if (rest > 0x7f800000) return sign | 0x7e00
  if (rest >= 0x477ff000) return sign | 0x7c00
  if (rest < 0x38800000) {
    // subnormal: the value counted in units of 2^-24
    const units = Math.abs(value) * 2 ** 24
    const floor = Math.floor(units)
    const up = units - floor > 0.5 || (units - floor === 0.5 && floor % 2 === 1)
    return sign | (floor + (up ? 1 : 0))
  }
  const rounded = rest + 0xfff + ((rest >>> 13) & 1)
  return sign | ((rounded - 0x38000000) >>> 13)
}

/** The value of a float16 given by its bits. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

export function float16ToFloat32(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, float16Value)
}
