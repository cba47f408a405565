/** Sums of products over labelled axes. */
import type { Dim } from '../../core/runtime.js'
import { stringOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import { sumTo } from '../broadcast.js'
import { parseEquation, printEquation } from '../equation.js'
import { defineRules } from '../rule.js'

/** A value and the label of each of its axes. */
interface Labelled {
  readonly value: string
  readonly labels: readonly string[]
}

/**
 * The gradient of one operand: the sum of products of `gy` and the other operands over the labels that the operand has not. Along
 * labels that nothing else has it is constant; along axes of size 1 that were broadcast it is summed.
 */
function gradientOf(b: Builder, operand: Labelled, sources: readonly Labelled[]): string {
  const own = [...new Set(operand.labels)]
  const x = own.length === operand.labels.length ? operand.value : diagonal(b, operand, own)
  const present = own.filter((l) => sources.some((s) => s.labels.includes(l)))
  const missing = own.flatMap((l, axis) => (present.includes(l) ? [] : [axis]))
  const equation = printEquation({ operands: sources.map((s) => s.labels), output: present })
  let made = b.op(
    'Einsum',
    sources.map((s) => s.value),
    { equation },
  )
  if (missing.length > 0) made = b.op('Unsqueeze', [made, b.int64s(missing)])
  const dims = own.map((l) => (present.includes(l) ? dimOf(b, l, sources) : 1))
  const wanted = b.dims(x)
  if (!wanted || dims.some((d, axis) => d === null || (d !== wanted[axis] && wanted[axis] !== 1))) {
    made = b.op('Expand', [made, b.shapeOf(x)])
    b.know(made, b.type(x), wanted && dims.map((d, axis) => (d === 1 ? (wanted[axis] ?? null) : d)))
  } else b.know(made, b.type(x), dims)
  return spreadDiagonal(b, sumTo(b, made, made, x), operand, own)
}

/** The size that operands agree on, which those of size 1 are broadcast to; null where it is not known. */
function dimOf(b: Builder, label: string, sources: readonly Labelled[]): Dim {
  const dims = sources.flatMap(({ value, labels }): Dim[] => {
    const axis = labels.indexOf(label)
    return axis < 0 ? [] : [b.dims(value)?.[axis] ?? null]
  })
  const [first, ...others] = new Set(dims.filter((d) => d !== 1))
  if (first === undefined) return 1
  return others.length === 0 || typeof first === 'number' ? first : (others.find((d) => typeof d === 'number') ?? null)
}

/** The operand without repeated labels. */
function diagonal(b: Builder, { value, labels }: Labelled, own: readonly string[]): string {
  const made = b.op('Einsum', [value], { equation: printEquation({ operands: [labels], output: own }) })
  const dims = b.dims(value)
  b.know(made, b.type(value), dims && own.map((l) => dims[labels.indexOf(l)] ?? null))
  return made
}

/** A gradient with one axis a label laid on the diagonal of the axes that share the label; zeros elsewhere. */
function spreadDiagonal(b: Builder, gradient: string, { value, labels }: Labelled, own: readonly string[]): string {
  const again = labels.flatMap((l, axis) => (labels.indexOf(l) < axis ? [axis] : []))
  if (own.length === labels.length) return gradient
  const alone = b.op('Unsqueeze', [gradient, b.int64s(again)])
  return again.reduce((made, axis) => {
    const first = labels.indexOf(labels[axis] ?? '')
    const size = b.extent(value, axis)
    const square = b.op('Expand', [b.scalar(0, value), b.vector([size, size])])
    const shape = labels.map((_, i) => (i === axis || i === first ? size : 1))
    return b.op('Mul', [made, b.reshape(b.op('EyeLike', [square]), shape)])
  }, alone)
}

export const einsum = defineRules({
  // y = the products of the operands' elements where labels agree, summed over the labels that y has not
  Einsum: {
    rule: ({ b, node, x, y: [y = ''], gy }) => {
      const ranks = (): number[] => x.map((v) => b.requireRank(v, 'Einsum'))
      return x.map((value, i) => () => {
        const { operands, output } = parseEquation(stringOf(node, 'equation', ''), ranks())
        const labelled = x.map((v, j): Labelled => ({ value: v, labels: operands[j] ?? [] }))
        b.know(gy, b.type(y), b.dims(y))
        const others = labelled.filter((_, j) => j !== i)
        return gradientOf(b, { value, labels: operands[i] ?? [] }, [{ value: gy, labels: output }, ...others])
      })
    },
  },
})
