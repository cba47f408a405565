/** Operators of attention with a cache: rotated positions, and writing into the cache. */
import { intOf, stringOf } from '../../onnx/attributes.js'
import type { Builder } from '../../onnx/builder.js'
import type { Node } from '../../onnx/ir.js'
import { range } from '../../passes/decompositions/parts.js'
import { defineRules, type RuleCall } from '../rule.js'
import { zerosLike } from '../scatter.js'

/** `[N, heads, T, size]`, or `[N, T, heads * size]`, as `[N, T, heads, size]`. */
function byHeads(b: Builder, node: Node, value: string, rank: number): string {
  if (rank === 4) return b.transpose(value, [0, 2, 1, 3])
  return b.op('Reshape', [value, b.int64s([0, 0, intOf(node, 'num_heads', 1), -1])])
}

/** The two halves that are rotated together: `[N, T, heads, size / 2]` each. */
function pairs(b: Builder, node: Node, value: string): readonly string[] {
  const whole = intOf(node, 'rotary_embedding_dim', 0)
  const part = whole === 0 ? value : b.slice(value, [3], [0], [whole])
  if (intOf(node, 'interleaved', 0) === 0) return b.ops('Split', [part], { axis: 3, num_outputs: 2 }, 2)
  const apart = b.op('Reshape', [part, b.int64s([0, 0, 0, -1, 2])])
  const side = (i: number): string => b.op('Squeeze', [b.slice(apart, [4], [i], [i + 1]), b.int64s([4])])
  return [side(0), side(1)]
}

/** The gradient of a table's rows: each row's parts summed over the heads and, where positions choose rows, put back to these. */
function rowsBack(b: Builder, parts: string, table: string, positions: string | undefined): string {
  const rows = b.reduceSum(parts, [2], false)
  if (!positions) return rows
  const indices = b.op('Unsqueeze', [positions, b.int64s([2])])
  return b.op('ScatterND', [zerosLike(b, table), indices, rows], { reduction: 'add' })
}

/** For each element of `update`, its place along the axis of the cache: one more than the one before, from `write_indices` on. */
function placesOf({ b, node, x: [cache = '', update = '', begin] }: RuleCall, axis: number): string {
  const rank = b.requireRank(update, 'TensorScatter')
  const at = axis < 0 ? axis + rank : axis
  const shape = (own: number): number[] => Array.from({ length: rank }, (_, i) => (i === own ? -1 : 1))
  const along = b.reshape(range(b, b.extent(update, at)), shape(at))
  const places = begin ? b.op('Add', [along, b.reshape(begin, shape(0))]) : along
  if (stringOf(node, 'mode', 'linear') !== 'circular') return b.op('Expand', [places, b.shapeOf(update)])
  const length = b.vector([b.extent(cache, at)])
  const turns = b.op('Mul', [b.op('Div', [places, length]), length])
  return b.op('Expand', [b.op('Sub', [places, turns]), b.shapeOf(update)])
}

export const attention = defineRules({
  /** Each pair of elements turned by an angle, given as cosine and sine: turned back. Su et al. 2021. */
  RotaryEmbedding: {
    rule: ({ b, node, x: [x = '', cos = '', sin = '', positions], gy }) => {
      const halves = (): { x1: string; x2: string; g1: string; g2: string } => {
        const rank = b.requireRank(x, 'RotaryEmbedding')
        const [x1 = '', x2 = ''] = pairs(b, node, byHeads(b, node, x, rank))
        const [g1 = '', g2 = ''] = pairs(b, node, byHeads(b, node, gy, rank))
        return { x1, x2, g1, g2 }
      }
      const mul = (a: string, c: string): string => b.op('Mul', [a, c])
      return [
        () => {
          const output = b.fresh(node.op)
          const inputs = [gy, cos, b.op('Neg', [sin]), ...(positions ? [positions] : [])]
          b.emit({ ...node, name: output, inputs, outputs: [output] })
          return output
        },
        () => {
          const { x1, x2, g1, g2 } = halves()
          return rowsBack(b, b.op('Add', [mul(g1, x1), mul(g2, x2)]), cos, positions)
        },
        () => {
          const { x1, x2, g1, g2 } = halves()
          return rowsBack(b, b.op('Sub', [mul(g2, x1), mul(g1, x2)]), sin, positions)
        },
        undefined,
      ]
    },
  },
  /** y = the cache with `update` written over it: zeros there for the cache, what is there for the update. */
  TensorScatter: {
    rule: (call) => {
      const { b, node, gy, x } = call
      const axis = intOf(node, 'axis', -2)
      return [
        () => b.op('ScatterElements', [gy, placesOf(call, axis), zerosLike(b, x[1] ?? '')], { axis }),
        () => b.op('GatherElements', [gy, placesOf(call, axis)], { axis }),
        undefined,
      ]
    },
  },
})
