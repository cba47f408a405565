/** Arithmetic that many rules write. */
import { float } from '../onnx/attributes.js'
import type { Builder } from '../onnx/builder.js'

/** The product of all factors, left to right. */
export function product(b: Builder, ...factors: readonly string[]): string {
  return factors.reduce((a, f) => b.op('Mul', [a, f]))
}

/**
 * `1 - v` where `v` is from 0 to 1, in the blocked layout of ONNX Runtime's convolutions: clip(1 - v, 0, 1). Its own gradient is 0 at 0 and at 1, where that of
 * a sigmoid vanishes too.
 */
export function complement(b: Builder, v: string): string {
  if (b.type(v) !== 'float32') return oneMinus(b, v)
  return b.op('HardSigmoid', [v], { alpha: float(-1), beta: float(1) })
}

/** `1 - v` */
export function oneMinus(b: Builder, v: string): string {
  return b.op('Sub', [b.scalar(1, v), v])
}
