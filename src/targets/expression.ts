import { ExplainError } from '../core/errors.js'
import type { Dim, ValueInfo } from '../core/runtime.js'
import { float32 } from '../core/tensor.js'
import { Builder } from '../onnx/builder.js'
import type { Shapes } from '../onnx/shapes.js'
import { asSeed } from './class-scores.js'
import { axesOf, checkIndex } from './element.js'
import { type Expression, FUNCTIONS, type Operator, parseExpression } from './expression-parser.js'
import { defineTarget, type TargetContext, textOf } from './target.js'

/** Arithmetic over values of the graph that gives one number a picture. */
export interface ExpressionTarget {
  readonly kind: 'expression'
  readonly expression: string
}

const NODES: Readonly<Record<Operator, string>> = { '+': 'Add', '-': 'Sub', '*': 'Mul', '/': 'Div' }

export const expressionTarget = defineTarget<ExpressionTarget>({
  kind: 'expression',
  summary: `Arithmetic over values of the graph that gives one number a picture: + - * /, indices behind the batch, ${Object.keys(FUNCTIONS).join(', ')}.`,
  syntax: 'expression:EXPRESSION',
  example: { kind: 'expression', expression: 'logits[282] - max(logits)' },
  source: 'the gradient of what is written',
  answers: undefined,
  parse: (text, context) => checked(text.trim(), context),
  check: ({ expression }, context) => checked(textOf(expression, 'expression', 'expression'), context),
  print: ({ expression }) => expression,
  describe: ({ expression }) => expression,
  form: ({ expression }) => ({ kind: 'expression', expression }),
  formOf: (text, context) => ({ ...checked(text.trim(), context) }),
  end: ({ expression }, { graph, shapes }) => {
    const b = new Builder(graph, shapes)
    const value = b.scope('onnxplain/expression', () => written(b, parseExpression(String(expression))))
    const made = b.nodes.flatMap((node) => node.outputs)
    const known = new Map<string, ValueInfo>(shapes)
    for (const name of made) known.set(name, { name, type: b.type(name), dims: b.dims(name) })
    return { graph: b.finish(), shapes: known satisfies Shapes, value }
  },
  append: (_, context) => ({
    scores: context.end,
    seed: asSeed(context, ones(context.b, context.end), context.end),
  }),
  rows: () => ({}),
})

function checked(expression: string, context: TargetContext): ExpressionTarget {
  const axes = sizesOf(parseExpression(expression), context)
  if (axes.length === 0) return { kind: 'expression', expression }
  throw new ExplainError('bad-option', {
    what: `The expression "${expression}" gives [${axes.map((d) => d ?? '?').join(', ')}] numbers a picture, and has to give one`,
    where: 'target of kind expression',
    remedy: 'Take an element, such as logits[3], or sum, mean, max, min or norm of it.',
  })
}

/** The axes behind the batch of what an expression gives. Throws `unknown-value` and `bad-option`. */
function sizesOf(e: Expression, context: TargetContext): readonly Dim[] {
  switch (e.kind) {
    case 'number':
      return []
    case 'value':
      return axesOf(e.name, context, 'expression')
    case 'negative':
      return sizesOf(e.of, context)
    case 'call': {
      const axes = sizesOf(e.of, context)
      if (FUNCTIONS[e.name].over === 'last axis' && axes.length === 0)
        throw new ExplainError('bad-option', {
          what: `${e.name} is of several numbers, and is given one`,
          where: 'target of kind expression',
        })
      return FUNCTIONS[e.name].over === 'value' ? [] : axes
    }
    case 'element': {
      const axes = sizesOf(e.of, context)
      if (e.at.length > axes.length)
        throw new ExplainError('bad-option', {
          what: `[${e.at.join(', ')}] has more indices than there are axes behind the batch, which are [${axes.map((d) => d ?? '?').join(', ')}]`,
          where: 'target of kind expression',
        })
      for (const [i, at] of e.at.entries()) checkIndex(at, axes[i], `index ${i}`, 'expression')
      return axes.slice(e.at.length)
    }
    case 'binary': {
      const [left, right] = [sizesOf(e.left, context), sizesOf(e.right, context)]
      if (left.length > 0 && right.length > 0 && left.join() !== right.join())
        throw new ExplainError('bad-option', {
          what: `The two sides of "${e.op}" have the axes [${left.map((d) => d ?? '?').join(', ')}] and [${right.map((d) => d ?? '?').join(', ')}]`,
          where: 'target of kind expression',
          remedy: 'One side is one number, or both have the same axes.',
        })
      return left.length > 0 ? left : right
    }
  }
}

/** Adds an expression's nodes; returns its value, `[N]` where it is one number. */
function written(b: Builder, e: Expression): string {
  switch (e.kind) {
    case 'number':
      return b.constant(float32([1], [e.value]))
    case 'value':
      return e.name
    case 'negative':
      return negative(b, written(b, e.of))
    case 'call':
      return call(b, e.name, written(b, e.of))
    case 'element': {
      const of = written(b, e.of)
      return e.at.reduce((value, at) => {
        const index = b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(at)) })
        return known(b, b.op('Gather', [value, index], { axis: 1 }), dropped(b, value))
      }, of)
    }
    case 'binary': {
      const [left, right] = [written(b, e.left), written(b, e.right)]
      const rank = Math.max(b.rank(left) ?? 1, b.rank(right) ?? 1)
      const [x, y] = [left, right].map((value) => widened(b, value, rank))
      const dims = [left, right].map((value) => b.dims(value)).find((d) => d?.length === rank && d[0] !== 1)
      return known(b, b.op(NODES[e.op], [x ?? left, y ?? right]), dims ?? b.dims(left))
    }
  }
}

function call(b: Builder, name: keyof typeof FUNCTIONS, value: string): string {
  const { node, over } = FUNCTIONS[name]
  if (over === 'elements') return known(b, b.op(node, [value]), b.dims(value))
  if (over === 'last axis') return known(b, b.op(node, [value], { axis: -1 }), b.dims(value))
  const rank = b.rank(value) ?? 1
  if (rank < 2) return value
  const axes = b.int64s(Array.from({ length: rank - 1 }, (_, i) => i + 1))
  return known(b, b.op(node, [value, axes], { keepdims: 0 }), b.dims(value)?.slice(0, 1))
}

function negative(b: Builder, value: string): string {
  return known(b, b.op('Neg', [value]), b.dims(value))
}

function dropped(b: Builder, value: string): readonly Dim[] | undefined {
  return b.dims(value)?.filter((_, axis) => axis !== 1)
}

/** A number a picture `[N]` with axes of size 1 behind, so that it goes with `[N,...]`. */
function widened(b: Builder, value: string, rank: number): string {
  const own = b.rank(value) ?? rank
  if (own >= rank) return value
  const axes = Array.from({ length: rank - own }, (_, i) => own + i)
  return known(b, b.op('Unsqueeze', [value, b.int64s(axes)]), [...(b.dims(value) ?? []), ...axes.map(() => 1)])
}

function known(b: Builder, value: string, dims: readonly Dim[] | undefined): string {
  b.know(value, 'float32', dims)
  return value
}

function ones(b: Builder, like: string): string {
  return b.op('Expand', [b.constant(float32([1], [1])), b.op('Shape', [like])])
}
