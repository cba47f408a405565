/** Arithmetic that many rules write. */
import type { Builder } from '../onnx/builder.js'

/** The product of all factors, left to right. */
export function product(b: Builder, ...factors: readonly string[]): string {
  return factors.reduce((a, f) => b.op('Mul', [a, f]))
}

/** `1 - v` */
export function oneMinus(b: Builder, v: string): string {
  return b.op('Sub', [b.scalar(1, v), v])
}
