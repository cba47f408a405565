/** The floating types of 16 bits, which Node 20 has no arrays for: conversion of single numbers and of arrays. */
import { float32, type Tensor } from '../core/tensor.js'

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

/** bfloat16 is the upper half of a float32. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer)
}

/** A tensor of another floating type as float32; itself where it holds float32 or no floating numbers. */
export function toFloat32(t: Tensor): Tensor {
  if (t.type === 'float64') return float32(t.dims, Array.from(t.data, Number))
  if (!(t.data instanceof Uint16Array)) return t
  if (t.type === 'float16') return float32(t.dims, float16ToFloat32(t.data))
  return t.type === 'bfloat16' ? float32(t.dims, bfloat16ToFloat32(t.data)) : t
}
