import { ExplainError } from '../core/errors.js'
import type { Dim } from '../core/runtime.js'
import { asSeed } from './class-scores.js'
import { axesOf, bare, checkIndex, hotAlong, parseSubscript } from './element.js'
import { defineTarget, int64Row, numbersOf, type TargetContext, textOf } from './target.js'

/** One element of any value of the graph. */
export interface NeuronTarget {
  readonly kind: 'neuron'
  /** The value's name. */
  readonly value: string
  /** Its place in the value, without the batch. */
  readonly index: readonly number[]
}

export const neuronTarget = defineTarget<NeuronTarget>({
  kind: 'neuron',
  summary: 'One element of any value of the graph.',
  syntax: 'neuron:VALUE[I,J,...]',
  example: { kind: 'neuron', value: 'relu6_1.Clip', index: [12, 3, 3] },
  source: "Captum's neuron attribution (NeuronGradient): the gradient of one neuron",
  answers: undefined,
  parse: (text, context) => {
    const { value, at } = parseSubscript(text, 'neuron')
    return checked(
      value,
      at.map((i) => i ?? -1),
      context,
    )
  },
  check: ({ value, index }, context) =>
    checked(textOf(value, 'value', 'neuron'), numbersOf(index, 'index', 'neuron') ?? [], context),
  print: ({ value, index }) => `${value}[${index.join(',')}]`,
  describe: ({ value, index }) => `${value}[${index.join(', ')}]`,
  form: ({ value, index }) => ({ kind: 'neuron', value, rank: index.length }),
  formOf: (text, context) => {
    const value = bare(text)
    return { kind: 'neuron', value, rank: axesOf(value, context, 'neuron').length }
  },
  end: ({ value }, { graph, shapes }) => ({ graph, shapes, value: String(value) }),
  append: ({ rank }, context) => {
    const { b, end } = context
    const index = context.input('index', 'int64', [Number(rank)], 'the place in the value, without the batch')
    const along = Array.from({ length: Number(rank) }, (_, r) => {
      const column = b.op(
        'Gather',
        [index, b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(r)) })],
        { axis: 1 },
      )
      return hotAlong(b, end, column, r + 1)
    })
    const [first = '', ...rest] = along
    const hot = rest.reduce((product, next) => b.op('Mul', [product, next]), first)
    return { scores: end, seed: asSeed(context, hot, end) }
  },
  rows: ({ index }) => ({ index: int64Row([index.length], index) }),
})

function checked(value: string, index: readonly number[], context: TargetContext): NeuronTarget {
  const axes: readonly Dim[] = axesOf(value, context, 'neuron')
  if (index.length !== axes.length || index.some((i) => !Number.isInteger(i) || i < 0))
    throw new ExplainError('bad-option', {
      what: `[${index.join(', ')}] is no place in "${value}", which has the axes [${axes.map((d) => d ?? '?').join(', ')}] behind the batch`,
      where: 'target of kind neuron',
      remedy: `Give ${axes.length} whole numbers.`,
    })
  for (const [r, i] of index.entries()) checkIndex(i, axes[r], `index ${r}`, 'neuron')
  return { kind: 'neuron', value, index }
}
