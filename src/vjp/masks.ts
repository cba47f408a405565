/**
 * Masks: 1 where a condition holds, else 0, in the type of the value. On float32 they are written as `HardSigmoid`, which
 * stays in the blocked layout of ORT's convolutions; comparisons and `Cast` do not, and cost a reorder on each side.
 */
import { float } from '../onnx/attributes.js'
import type { Builder } from '../onnx/builder.js'

/** A power of two, so that products with it are exact. */
const STEEP = 2 ** 100

/** 1 where `x > 0`, 0 elsewhere (so 0 at 0, and at NaN whatever ORT's comparison gives). */
export function isPositive(b: Builder, x: string): string {
  if (b.type(x) === 'float32') return b.op('HardSigmoid', [x], { alpha: float(STEEP), beta: float(0) })
  return compare(b, 'Greater', x, 0)
}

/** 1 where `x < limit`, 0 elsewhere. */
export function isBelow(b: Builder, x: string, limit: number): string {
  const beta = limit * STEEP
  if (b.type(x) === 'float32' && Number.isFinite(Math.fround(beta)))
    return b.op('HardSigmoid', [x], { alpha: float(-STEEP), beta: float(beta) })
  return compare(b, 'Less', x, limit)
}

/** 1 where `x > limit`, 0 elsewhere. */
export function isAbove(b: Builder, x: string, limit: number): string {
  const beta = -limit * STEEP
  if (b.type(x) === 'float32' && Number.isFinite(Math.fround(beta)))
    return b.op('HardSigmoid', [x], { alpha: float(STEEP), beta: float(beta) })
  return compare(b, 'Greater', x, limit)
}

function compare(b: Builder, op: 'Greater' | 'Less', x: string, limit: number): string {
  return asMask(b, b.op(op, [x, b.scalar(limit, x)]), x)
}

/** A boolean value as 1 and 0 in the type of `like`. */
export function asMask(b: Builder, condition: string, like: string): string {
  return b.op('Where', [condition, b.scalar(1, like), b.scalar(0, like)])
}
