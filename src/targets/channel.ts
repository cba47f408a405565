import { ExplainError } from '../core/errors.js'
import { asSeed } from './class-scores.js'
import { axesOf, bare, channelAxis, checkIndex, hotAlong, parseSubscript } from './element.js'
import {
  type AnyTarget,
  defineTarget,
  int64Row,
  type TargetContext,
  type TargetParts,
  textOf,
  wholeNumber,
} from './target.js'

/** A channel of any value of the graph. */
export interface OfChannel extends AnyTarget {
  /** The value's name. */
  readonly value: string
  readonly channel: number
  /** The axis of channels, the batch being 0. Default: 1; of tokens `[N,T,D]` the last. */
  readonly axis: number
}

/** The mean of a channel over its places. */
export interface ChannelTarget extends OfChannel {
  readonly kind: 'channel'
}

/** The largest activation of a channel. */
export interface UnitTarget extends OfChannel {
  readonly kind: 'unit'
}

/** What both kinds have alike. */
function ofChannel<K extends 'channel' | 'unit'>(kind: K) {
  type T = OfChannel & { readonly kind: K }
  const checked = (value: string, channel: number, given: number | undefined, context: TargetContext): T => {
    const axes = axesOf(value, context, kind)
    const axis = given ?? channelAxis(axes)
    if (axis < 1 || axis > axes.length)
      throw new ExplainError('bad-option', {
        what: `"${value}" has the axes 1 to ${axes.length} behind the batch, and axis is ${axis}`,
        where: `target of kind ${kind}`,
      })
    checkIndex(channel, axes[axis - 1], 'channel', kind)
    return { kind, value, channel, axis }
  }
  return {
    kind,
    syntax: `${kind}:VALUE[CHANNEL] | ${kind}:VALUE[:,:,CHANNEL]`,
    answers: undefined,
    parse: (text: string, context: TargetContext): T => {
      const { value, at } = parseSubscript(text, kind)
      const named = at.flatMap((index, i) => (index === undefined ? [] : [{ index, axis: i + 1 }]))
      const [only] = named
      if (!only || named.length > 1)
        throw new ExplainError('bad-option', {
          what: `"${text}" names ${named.length} channels`,
          where: `target of kind ${kind}`,
          remedy: `Write ${kind}:VALUE[12], or with ":" for the other axes behind the batch, ${kind}:VALUE[:,:,12].`,
        })
      return checked(value, only.index, at.length > 1 ? only.axis : undefined, context)
    },
    check: ({ value, channel, axis }: Readonly<Record<string, unknown>>, context: TargetContext): T =>
      checked(
        textOf(value, 'value', kind),
        wholeNumber(channel, 'channel', kind),
        axis === undefined ? undefined : wholeNumber(axis, 'axis', kind, 1),
        context,
      ),
    print: ({ value, channel, axis }: T, { values }: TargetContext) => {
      const dims = values.get(value)?.dims?.slice(1) ?? []
      if (axis === channelAxis(dims)) return `${value}[${channel}]`
      return `${value}[${dims.map((_, i) => (i + 1 === axis ? channel : ':')).join(',')}]`
    },
    form: ({ value, axis }: T) => ({ kind, value, axis }),
    formOf: (text: string, context: TargetContext) => {
      const value = bare(text)
      return { kind, value, axis: channelAxis(axesOf(value, context, kind)) }
    },
    rows: ({ channel }: T) => ({ channel: int64Row([], [channel]) }),
  } satisfies Partial<TargetParts<T>>
}

export const channelTarget = defineTarget<ChannelTarget>({
  ...ofChannel('channel'),
  summary: 'The mean of a channel of any value, over its places.',
  example: { kind: 'channel', value: 'relu6_1.Clip', channel: 12, axis: 1 },
  source: 'the channel objective of Olah et al., Feature Visualization, Distill 2017',
  describe: ({ value, channel }) => `channel ${channel} of ${value}`,
  end: ({ value }, { graph, shapes }) => ({ graph, shapes, value: String(value) }),
  append: ({ axis }, context) => {
    const { b, end } = context
    const channel = context.input('channel', 'int64', [], 'the channel')
    const rank = b.requireRank(end, 'a channel of a value')
    const places = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 0 && i !== Number(axis))
    const hot = hotAlong(b, end, channel, Number(axis))
    const count = places.map((i) => b.extent(end, i)).reduce((n, e) => b.mul(n, e), 1)
    const mean = b.op('Div', [hot, b.op('Cast', [b.vector([count])], { to: 1 })])
    const seed = b.op('Expand', [
      mean,
      b.vector([1, ...Array.from({ length: rank - 1 }, (_, i) => b.extent(end, i + 1))]),
    ])
    return { scores: end, seed: asSeed(context, seed, end) }
  },
})

export const unitTarget = defineTarget<UnitTarget>({
  ...ofChannel('unit'),
  summary: 'The largest activation of a channel of any value: what excites it most.',
  example: { kind: 'unit', value: 'relu6_1.Clip', channel: 12, axis: 1 },
  source: 'Zeiler and Fergus, ECCV 2014 (arXiv 1311.2901), section 4.1: the strongest activation of a feature map',
  describe: ({ value, channel }) => `the peak of channel ${channel} of ${value}`,
  end: ({ value }, { graph, shapes }) => ({ graph, shapes, value: String(value) }),
  append: ({ axis }, context) => {
    const { b, end, batch } = context
    const channel = context.input('channel', 'int64', [], 'the channel')
    const rank = b.requireRank(end, 'a channel of a value')
    const places = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 0 && i !== Number(axis))
    const peaks = places.length === 0 ? end : b.op('ReduceMax', [end, b.int64s(places)], { keepdims: 0 })
    b.know(peaks, b.type(end), [batch, b.dims(end)?.[Number(axis)] ?? null])
    return { scores: peaks, seed: asSeed(context, hotAlong(b, peaks, channel, 1), peaks) }
  },
})
