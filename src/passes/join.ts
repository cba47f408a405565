/**
 * A model in two files, an encoder of pictures and a decoder of words, as one graph: what the encoder makes is read by the decoder, so that
 * a word's score has a gradient in the picture. Requires: opset 7 or newer. Guarantees: the same answers as the two run one after the
 * other; inputs: the encoder's, and the decoder's that it still reads; outputs: the decoder's scores, then the encoder's own; names of the
 * encoder stay, those of the decoder where they are free (else `decoder/NAME`); weights stay views into their files.
 */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import type { ValueInfo } from '../core/runtime.js'
import { type DataType, int64 } from '../core/tensor.js'
import { Builder } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { printDims, valueInfo } from '../onnx/shapes.js'
import { namesInUse, ownValues, renameValues } from '../onnx/subgraphs.js'
import { atLocation, protoType, writeTensor } from '../onnx/tensors.js'
import { bindAxes, type Link } from './axes.js'
import { renamed } from './distinct-names.js'
import { inlineFunctions } from './functions.js'
import { withoutPast } from './past.js'
import { upgrade } from './upgrade.js'
import { validate } from './validate.js'

export interface JoinOptions {
  /** The encoder's output that the decoder reads, and the decoder's input that takes it. Default: found by name, else by shape. */
  readonly link?: { readonly output: string; readonly input: string } | undefined
  /** The decoder's output that holds the words' scores. Default: `logits`, else its only output of floats that is no `present.*`. */
  readonly logits?: string | undefined
}

/**
 * Joins an encoder and a decoder. Throws `not-connected` where no output fits an input, `shape-mismatch` where the shapes of the two
 * contradict each other, `missing-input` for a decoder that needs what earlier steps computed, and what {@link upgrade} throws.
 */
export function join(encoder: Graph, decoder: Graph, options: JoinOptions = {}): Graph {
  const plain = [encoder, decoder].map((g) => upgrade(inlineFunctions(validate(g))))
  const opset = Math.max(...plain.map((g) => g.opset))
  const [front, whole] = plain.map((g) => upgrade(g, opset)) as [Graph, Graph]
  const back = withoutPast(whole, options.logits)
  const link = options.link ? named(front, back, options.link) : found(front, back)
  const own = distinct(front, back)
  const joint = { output: link.output, input: { ...link.input, name: own.rename(link.input.name) } }
  const bound = bindAxes(front, own.graph, joint)
  return connected(bound.front, bound.back, joint)
}

/** Names by which exporters of Hugging Face and others write the two ends. */
const USUAL = { outputs: ['last_hidden_state', 'encoder_hidden_states'], inputs: ['encoder_hidden_states'] }

function named(front: Graph, back: Graph, { output, input }: { output: string; input: string }): Link {
  const one = (values: readonly ValueInfo[], name: string, role: string): ValueInfo => {
    const value = values.find((v) => v.name === name)
    if (value) return value
    const names = values.map((v) => v.name)
    throw new ExplainError('unknown-value', {
      what: `The ${role} has no "${name}"`,
      where: 'link',
      remedy: didYouMean(name, names) || `It has: ${names.join(', ') || 'none'}.`,
      details: { names },
    })
  }
  return {
    output: one(front.outputs.map(valueInfo), output, "encoder's outputs"),
    input: one(back.inputs.map(valueInfo), input, "decoder's inputs"),
  }
}

/** By name, else the only two of floats whose shapes agree. Throws `not-connected`, listing both sides. */
function found(front: Graph, back: Graph): Link {
  const outputs = front.outputs.map(valueInfo)
  const inputs = back.inputs.map(valueInfo)
  const pairs = outputs.flatMap((output) => inputs.map((input): Link => ({ output, input })))
  const byName = pairs.find(
    ({ output, input }) => USUAL.outputs.includes(output.name) && USUAL.inputs.includes(input.name),
  )
  if (byName) return byName
  const fitting = pairs.filter(({ output, input }) => isFloat(output) && isFloat(input) && agree(output, input))
  const [only] = fitting
  if (only && fitting.length === 1) return only
  const list = (values: readonly ValueInfo[]): string =>
    values.map((v) => `${v.name} ${v.type ?? '?'}${printDims(v.dims)}`).join(', ') || 'nothing'
  throw new ExplainError('not-connected', {
    what: `${fitting.length === 0 ? 'No output of the encoder fits an input of the decoder' : 'Several outputs of the encoder fit inputs of the decoder'}: it gives ${list(outputs)}, and the decoder takes ${list(inputs)}`,
    remedy: 'The two files must be of one model; in the library, link: { output, input } says what belongs together.',
    details: { outputs, inputs },
  })
}

function isFloat(value: ValueInfo): boolean {
  return value.type?.includes('float') ?? false
}

function agree({ dims: a }: ValueInfo, { dims: b }: ValueInfo): boolean {
  if (!a || !b) return true
  return a.length === b.length && a.every((d, i) => typeof d !== 'number' || typeof b[i] !== 'number' || d === b[i])
}

/** The decoder with names of its own for values, nodes and external files; and what a name became. */
function distinct(front: Graph, back: Graph): { readonly graph: Graph; readonly rename: (name: string) => string } {
  const taken = namesInUse(front)
  const known = new Set([...taken, ...namesInUse(back)])
  const free = (name: string): string => {
    if (!taken.has(name)) return name
    let other = `decoder/${name}`
    while (known.has(other)) other = `decoder/${other}`
    return other
  }
  const names = new Map([...ownValues(back)].map((name) => [name, free(name)]))
  const own = renamed(back, names)
  const moved = new Map(
    [...own.externalData].map(([location, bytes]) => {
      const isShared = (front.externalData.get(location) ?? bytes) === bytes
      return [location, isShared ? location : `decoder/${location}`]
    }),
  )
  const place = (location: string): string => moved.get(location) ?? location
  const graph = own.with({
    nodes: own.nodes.map((n) => (n.name === '' ? n : { ...n, name: free(n.name) })),
    initializers: new Map([...own.initializers].map(([name, t]) => [name, atLocation(t, place)])),
    externalData: new Map([...own.externalData].map(([location, bytes]) => [place(location), bytes])),
  })
  return { graph, rename: (name) => names.get(name) ?? name }
}

/** Both graphs as one. */
function connected(front: Graph, back: Graph, { output, input }: Link): Graph {
  const domains = new Set([...front.opsets.keys(), ...back.opsets.keys()])
  const version = (domain: string): number => Math.max(front.opsets.get(domain) ?? 0, back.opsets.get(domain) ?? 0)
  const whole = front.with({
    inputs: [...front.inputs, ...back.inputs.filter((i) => i.name !== input.name && !isMask(i.name))],
    outputs: [...back.outputs, ...front.outputs],
    initializers: new Map([...front.initializers, ...back.initializers]),
    valueInfo: [...front.valueInfo, ...back.valueInfo],
    opsets: new Map([...domains].map((domain) => [domain, version(domain)])),
    irVersion: Math.max(front.irVersion, back.irVersion),
    sources: [...front.sources, ...back.sources],
    externalData: new Map([...front.externalData, ...back.externalData]),
  })
  const b = new Builder(whole.with({ nodes: [...front.nodes, ...back.nodes] }))
  const replaced = b.scope('join', () => {
    const differs = output.type !== input.type && output.type && input.type
    const seen = differs ? b.op('Cast', [output.name], { to: protoType(input.type) }) : output.name
    const masks = back.inputs
      .filter((i) => isMask(i.name))
      .map((i) => [i.name, ones(b, output.name, valueInfo(i).type)])
    return new Map([[input.name, seen], ...masks.map(([name = '', value = '']): [string, string] => [name, value])])
  })
  const rename = (name: string): string => replaced.get(name) ?? name
  return whole.with({
    nodes: [...front.nodes, ...b.nodes, ...back.nodes.map((n) => renameValues(n, rename))],
    initializers: b.initializers(),
  })
}

/** The mask by which exporters let a decoder leave out what an encoder of texts padded: a picture has no such places. */
function isMask(name: string): boolean {
  return /(^|[/_])encoder_attention_mask$/.test(name)
}

/** `[N, places]` of what the encoder gives, `[N, places, ...]`: all of them are read. */
function ones(b: Builder, hidden: string, type: DataType = 'int64'): string {
  const shape = b.op('Slice', [b.op('Shape', [hidden]), b.int64s([0]), b.int64s([2])])
  const value = writeTensor('', int64([1], [1]))
  return b.op('Cast', [b.op('ConstantOfShape', [shape], { value })], { to: protoType(type) })
}
