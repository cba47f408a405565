import { axisOf } from '../core/layout.js'
import { type CompileContext, defineMethod } from './method.js'
import { referencePass } from './propagation/reference.js'
import { EPSILON_OPTION, isConvolution, RELEVANCE, relevance, STABILISER } from './propagation/relevance.js'
import { boxRule, epsilonRule, gammaRule } from './propagation/share.js'

const OPTIONS = {
  gamma: {
    kind: 'number',
    default: 0.25,
    minimum: 0,
    maximum: 1000,
    unit: '',
    description: 'how much is added of positive weights; 0 is the epsilon rule, much is z+',
  },
  epsilon: EPSILON_OPTION,
  low: { kind: 'fill', default: 'black', description: 'the darkest picture there can be, for the first layer' },
  high: { kind: 'fill', default: 'white', description: 'the brightest picture there can be, for the first layer' },
} as const

/** Gamma in convolutions, the box of pixel values in the first one, epsilon in the others. */
export const lrpGamma = defineMethod({
  ...RELEVANCE,
  id: 'lrp-gamma',
  title: 'LRP-gamma',
  summary: 'Relevance in which positive contributions weigh more, so that it is fine and hardly noisy.',
  source: "Montavon et al. 2019 (10.1007/978-3-030-28954-6_10), section 10.2.3; composite as zennit's EpsilonGammaBox",
  options: OPTIONS,
  build: (context) => {
    const { gamma, epsilon } = context.options
    const [first, convolution] = [boxRule(boundsOf(context), STABILISER), gammaRule(gamma, STABILISER)]
    const weak = epsilonRule(epsilon)
    return relevance(context, `lrp-gamma ${Object.values(context.options)}`, (l) =>
      !isConvolution(l) ? weak : l.first ? first : convolution,
    )
  },
})

type Context = CompileContext<typeof OPTIONS>

/** What the first layer reads of the darkest and of the brightest picture. */
function boundsOf(context: Context): (end: 'low' | 'high', value: string) => string {
  const { b, input } = context
  const pictures = box(context)
  return (end, value) => {
    const picture = b.op('Expand', [pictures[end], b.shapeOf(input)])
    b.know(picture, b.type(input), b.dims(input))
    return referencePass(b, input, value, picture).of(value)
  }
}

/** The least and the largest value that each channel can have, or, where colours are not known, that it has in this input. */
function box(context: Context): Readonly<Record<'low' | 'high', string>> {
  const { b, input, layout, options } = context
  const { low, high } = OPTIONS
  const isOwn = options.low !== low.default || options.high !== high.default
  if (isOwn || context.takesColours) return { low: context.fill(options.low), high: context.fill(options.high) }
  context.note('lrp-gamma: the first layer takes the least and the largest value of this input for those it can have.')
  const rank = b.requireRank(input, 'lrp-gamma')
  const channels = rank === layout.length ? (axisOf(layout, 'C') ?? 1) : -1
  const axes = Array.from({ length: rank - 1 }, (_, i) => i + 1).filter((axis) => axis !== channels)
  const over = (op: 'ReduceMin' | 'ReduceMax'): string => b.op(op, [input, b.int64s(axes)], { keepdims: 1 })
  return { low: over('ReduceMin'), high: over('ReduceMax') }
}
