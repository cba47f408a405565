/** Matrix products. */
import type { Dim } from '../../core/runtime.js'
import { type AttributeValue, float, floatOf, intOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { sumTo } from '../broadcast.js'
import { defineRules, type RuleEntry, unary } from '../rule.js'

/** The last two axes exchanged. */
function transposed(b: Builder, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, i) => i)
  return b.transpose(value, [...perm.slice(0, -2), rank - 1, rank - 2])
}

/** Broadcast of two dims lists; undefined where it is not known. */
function broadcastDims(a: readonly Dim[], c: readonly Dim[]): readonly Dim[] | undefined {
  const rank = Math.max(a.length, c.length)
  const out: Dim[] = []
  for (let i = 0; i < rank; i++) {
    const p = a[a.length - rank + i] ?? (a.length - rank + i < 0 ? 1 : null)
    const q = c[c.length - rank + i] ?? (c.length - rank + i < 0 ? 1 : null)
    if (p === q || q === 1) out.push(p)
    else if (p === 1) out.push(q)
    else return undefined
  }
  return out
}

/** `left @ right`, batch axes summed to those of `like`, whose shape the result has. */
function productLike(b: Builder, left: string, right: string, like: string): string {
  const product = b.op('MatMul', [left, right])
  const [l, r, own] = [b.dims(left), b.dims(right), b.dims(like)]
  const batch = l && r && broadcastDims(l.slice(0, -2), r.slice(0, -2))
  if (batch && own) b.know(product, b.type(like), [...batch, ...own.slice(-2)])
  return sumTo(b, product, product, like)
}

/**
 * y = a @ b, with numpy's broadcasting of batch axes: gy @ b^T and a^T @ gy. A vector is a matrix of one row (a) or one
 * column (b) whose axis is dropped again.
 */
const matmul2: RuleEntry = {
  rule: ({ b, x: [left = '', right = ''], gy }) => {
    const ranks = (): [number, number] => [b.requireRank(left, 'MatMul'), b.requireRank(right, 'MatMul')]
    const asMatrices = (): { a: string; c: string; g: string } => {
      const [p, q] = ranks()
      const [a, c] = [b.dims(left) ?? [], b.dims(right) ?? []]
      const unsqueeze = (v: string, axis: number, dims: readonly Dim[]): string => {
        const made = b.op('Unsqueeze', [v, b.int64s([axis])])
        b.know(made, b.type(v), dims)
        return made
      }
      let g = gy
      const gDims = [...(b.dims(gy) ?? broadcastGy(a, c))]
      if (q === 1) g = unsqueeze(g, -1, [...gDims, 1])
      if (p === 1) g = unsqueeze(g, -2, q === 1 ? [1, 1] : [...gDims.slice(0, -1), 1, gDims[gDims.length - 1] ?? null])
      if (p > 1 && q > 1) b.know(g, b.type(left), gDims)
      return {
        a: p === 1 ? unsqueeze(left, 0, [1, ...a]) : left,
        c: q === 1 ? unsqueeze(right, 1, [...c, 1]) : right,
        g,
      }
    }
    return [
      () => {
        // the usual linear layer: nothing is broadcast, whatever the rank of the left side
        if (b.rank(right) === 2) return b.op('MatMul', [gy, b.transpose(right, [1, 0])])
        const { a, c, g } = asMatrices()
        const ct = transposed(b, c, b.requireRank(c, 'MatMul'))
        const dims = b.dims(c)
        if (ct !== c && dims) b.know(ct, b.type(c), swapLast(dims))
        return back(b, productLike(b, g, ct, a), left, a)
      },
      () => {
        const { a, c, g } = asMatrices()
        const at = transposed(b, a, b.requireRank(a, 'MatMul'))
        const dims = b.dims(a)
        if (at !== a && dims) b.know(at, b.type(a), swapLast(dims))
        return back(b, productLike(b, at, g, c), right, c)
      },
    ]
  },
}

function broadcastGy(a: readonly Dim[], c: readonly Dim[]): readonly Dim[] {
  const batch = broadcastDims(a.slice(0, -2), c.slice(0, -2))
  const free = Array.from({ length: Math.max(a.length, c.length, 2) - 2 }, (): Dim => null)
  return [
    ...(batch ?? free),
    ...(a.length > 1 ? [a[a.length - 2] ?? null] : []),
    ...(c.length > 1 ? [c[c.length - 1] ?? null] : []),
  ]
}

function swapLast(dims: readonly Dim[]): readonly Dim[] {
  return [...dims.slice(0, -2), dims[dims.length - 1] ?? null, dims[dims.length - 2] ?? null]
}

/** Drops the axis that made a vector a matrix. */
function back(b: Builder, gradient: string, original: string, matrix: string): string {
  return original === matrix ? gradient : b.reshapeLike(gradient, original)
}

export const matmul = defineRules({
  MatMul: matmul2,
  // y = x^-1 over the last two axes: gx = -y^T gy y^T
  'com.microsoft.Inverse': unary(({ b, in0, out, gy }) => {
    const t = transposed(b, out, b.requireRank(in0, 'Inverse'))
    return b.op('Neg', [b.op('MatMul', [b.op('MatMul', [t, gy]), t])])
  }),
  // y = alpha op(A) op(B) + beta C, C broadcast
  Gemm: {
    rule: ({ b, node, x: [a = '', c = '', bias], y: [y = ''], gy }) => {
      const transA = intOf(node, 'transA', 0)
      const transB = intOf(node, 'transB', 0)
      const beta = floatOf(node, 'beta', 1)
      const alpha = { alpha: float(floatOf(node, 'alpha', 1)) }
      const gemm = (l: string, r: string, flags: Readonly<Record<string, AttributeValue>>): string =>
        b.op('Gemm', [l, r], { ...alpha, ...flags })
      return [
        () =>
          transA ? gemm(c, gy, { transA: transB, transB: 1 }) : gemm(gy, c, { transA: 0, transB: transB ? 0 : 1 }),
        () =>
          transB ? gemm(gy, a, { transA: 1, transB: transA }) : gemm(a, gy, { transA: transA ? 0 : 1, transB: 0 }),
        bias ? () => sumTo(b, beta === 1 ? gy : b.op('Mul', [gy, b.scalar(beta, gy)]), y, bias) : undefined,
      ]
    },
  },
})
