/**
 * A decoder that reads its words all at once. Exporters write decoders that keep what earlier words made (`past_key_values.*`), and merged ones that
 * do both by a switch. Requires: the form of opset 18 or newer. Guarantees: one output, the scores; no input named `use_cache_branch`
 * or `past_key_values.*`; the scores are those of words that have none before them.
 */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { tensor } from '../core/tensor.js'
import { Builder } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { printDims, valueInfo } from '../onnx/shapes.js'
import { protoType, writeTensor } from '../onnx/tensors.js'
import { control } from './control.js'
import { everywhere } from './everywhere.js'
import { prune } from './prune.js'
import { plain } from './sequences.js'

const SWITCH = 'use_cache_branch'
const PAST = /^past(_key_value)?s?[._]/

/** `logits`: the output that holds the scores; default: found. Throws `missing-input` for a decoder that cannot do without a past. */
export function withoutPast(decoder: Graph, logits?: string): Graph {
  const scores = scoresOf(decoder, logits)
  const outputs = decoder.outputs.filter((o) => o.name === scores)
  const switched = everywhere(control)(switchedOff(decoder.with({ outputs })))
  const needed = prune(switched, { dropInputs: true })
  return withEmptyPast(needed)
}

function switchedOff(decoder: Graph): Graph {
  const input = decoder.inputs.find((i) => i.name === SWITCH)
  if (!input) return decoder
  const dims = valueInfo(input).dims?.map((d) => (typeof d === 'number' ? d : 1)) ?? [1]
  const off = writeTensor(SWITCH, tensor('bool', dims, Uint8Array.of(0)))
  return decoder.with({
    inputs: decoder.inputs.filter((i) => i !== input),
    initializers: new Map([...decoder.initializers, [SWITCH, off]]),
  })
}

/** The scores among the outputs. Throws `unknown-value`, and `not-connected` where it is not clear which they are. */
function scoresOf(decoder: Graph, wanted: string | undefined): string {
  const outputs = decoder.outputs.map(valueInfo)
  const names = outputs.map((o) => o.name)
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted
    throw new ExplainError('unknown-value', {
      what: `The decoder has no output "${wanted}"`,
      where: 'logits',
      remedy: didYouMean(wanted, names) || `It has: ${names.join(', ')}.`,
      details: { names },
    })
  }
  if (names.includes('logits')) return 'logits'
  const floats = outputs.filter((o) => !o.name.startsWith('present') && (o.type?.includes('float') ?? true))
  const ofWords = floats.filter((o) => o.dims?.length === 3)
  const [only] = floats.length === 1 ? floats : ofWords
  if (only && (floats.length === 1 || ofWords.length === 1)) return only.name
  throw new ExplainError('not-connected', {
    what: `It is not clear which output of the decoder holds the words' scores: ${names.join(', ')}`,
    remedy: 'They are called "logits" by exporters; in the library, logits says which.',
    details: { names },
  })
}

/** Pasts that are still read become tensors without words, for as many pictures as there are. */
function withEmptyPast(decoder: Graph): Graph {
  const pasts = decoder.inputs.map(valueInfo).filter((i) => PAST.test(i.name))
  if (pasts.length === 0) return decoder
  const others = decoder.inputs.filter((i) => !PAST.test(i.name))
  const words = others.map(valueInfo).find((i) => /input_ids$/.test(i.name))
  const needy = pasts.find((p) => /[._]encoder\./.test(p.name))
  if (needy) throw needsPast(`it reads "${needy.name}", which the first step makes of the picture`)
  if (!words || typeof words.dims?.[1] === 'number') throw needsPast('it takes one word at a time')
  const b = new Builder(decoder.with({ inputs: others }))
  const rows = b.extent(words.name, 0)
  for (const { name, type, dims } of pasts) {
    const sizes = (dims ?? []).slice(1).map((d) => (typeof d === 'number' ? d : 0))
    if (!type || sizes.filter((d) => d === 0).length !== 1)
      throw needsPast(`which axis of "${name}" ${printDims(dims)} counts words is not told`)
    const zero = tensor('uint8', [1], Uint8Array.of(0))
    const empty = b.op('ConstantOfShape', [b.vector([rows, ...sizes])], { value: writeTensor('', zero) })
    b.emit(plain('Cast', [empty], name, { to: protoType(type) }))
  }
  return b.graph.with({ nodes: [...b.nodes, ...decoder.nodes], initializers: b.initializers() })
}

function needsPast(why: string): ExplainError {
  return new ExplainError('missing-input', {
    what: `This decoder cannot start without what earlier words made: ${why}`,
    where: 'decoder',
    remedy: 'Give decoder_model.onnx (or decoder_model_merged.onnx), which exporters write beside it.',
  })
}
