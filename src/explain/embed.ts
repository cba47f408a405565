/** Texts' embeddings: the part of a model that reads words and no picture, run alone. */
import { ExplainError } from '../core/errors.js'
import type { OptimizationLevel, Runtime } from '../core/runtime.js'
import { isFloat32 } from '../core/tensor.js'
import { declare } from '../onnx/builder.js'
import { encodeSkeleton } from '../onnx/encode.js'
import type { Graph } from '../onnx/ir.js'
import { printDims, type Shapes, valueInfo } from '../onnx/shapes.js'
import { lower } from '../passes/lower.js'
import { prune } from '../passes/prune.js'
import { isMadeFrom } from '../targets/answer.js'
import { fixedLength, type WordInputs, wordFeeds, wordInputs } from '../text/rows.js'
import { printInputs } from './input.js'
import { SessionCache } from './sessions.js'
import type { ModelText } from './written.js'

/** What texts are embedded by. */
export interface TextParts {
  /** The model itself, lowered, or the file of its texts' tower. */
  readonly graph: Graph
  /** What is known of the graph's values. Default: what the file declares. */
  readonly shapes?: Shapes
  /** The input that takes the picture, where the graph has one. */
  readonly picture?: string | undefined
  /** Numbers of a picture's embedding. */
  readonly size: number
}

export class TextTower {
  readonly #graph: Graph
  readonly #inputs: WordInputs
  readonly #output: string
  readonly #size: number
  readonly #sessions: SessionCache
  readonly #known = new Map<string, Promise<Float32Array>>()

  /** Throws `method-not-applicable` for a model that reads no texts, or gives no embedding of them; `missing-input`. */
  constructor(parts: TextParts, runtime: Runtime, optimization: OptimizationLevel = 'all') {
    const source = lower(parts.graph)
    this.#output = outputOf(source, parts)
    this.#graph = prune(source.with({ outputs: [declare(this.#output)] }), { dropInputs: true })
    const needed = this.#graph.inputs.map((i) => parts.shapes?.get(i.name) ?? valueInfo(i))
    const inputs = wordInputs(needed)?.asked
    const own = new Set(Object.values(inputs ?? {}).map((i) => i?.name))
    const rest = needed.filter((i) => !own.has(i.name))
    if (!inputs || rest.length > 0)
      throw new ExplainError('missing-input', {
        what: `The embedding of a text, "${this.#output}", needs what is no text: ${printInputs(rest)}`,
        remedy: 'Its inputs have to be input_ids, and with these attention_mask, position_ids or token_type_ids.',
      })
    this.#inputs = inputs
    this.#size = parts.size
    this.#sessions = new SessionCache(runtime, { optimization })
  }

  /** The embedding of a text, of any length; each text is run once. Rejects with `bad-option` for a text that is too long, `no-vocabulary`, `unknown-word`. */
  embed(text: string, words: ModelText): Promise<Float32Array> {
    const known = this.#known.get(text) ?? this.#run(textTokens(text, words), words)
    this.#known.set(text, known)
    known.catch(() => this.#known.delete(text))
    return known
  }

  async release(): Promise<void> {
    await this.#sessions.release()
  }

  async #run(ids: readonly number[], { tokenizer, settings }: ModelText): Promise<Float32Array> {
    const { ids: input, mask } = this.#inputs
    const { longest, paddedLength, paddingSide: side } = settings
    if (longest !== undefined && ids.length > longest)
      throw new ExplainError('bad-option', {
        what: `The text has ${ids.length} tokens, and this model reads ${longest}`,
        remedy: 'Give a shorter one.',
      })
    // without a mask a network was taught on rows that are filled up
    const length = paddedLength ?? (mask ? undefined : longest)
    const pad = tokenizer.pad ?? settings.pad
    const [rows] = input.dims ?? []
    const texts = Array.from({ length: typeof rows === 'number' ? rows : 1 }, () => ids)
    const feeds = wordFeeds(this.#inputs, texts, { pad, side, length: fixedLength(this.#inputs) ?? length })
    const found = await this.#sessions.use(
      'text',
      () => encodeSkeleton(this.#graph),
      (session) => session.run(feeds),
    )
    const value = found[this.#output]
    if (!value || !isFloat32(value) || value.data.length !== texts.length * this.#size)
      throw new ExplainError('shape-mismatch', {
        what: `The embedding of a text is ${printDims(value?.dims)}, and that of a picture [N, ${this.#size}]`,
        remedy: 'They are of two models, or one of them lacks its projection.',
      })
    return value.data.slice(0, this.#size)
  }
}

/** The tokens of a text, cut as the model's files say, with the special tokens at its end kept. */
export function textTokens(text: string, { tokenizer, settings }: ModelText): readonly number[] {
  const ids = tokenizer.encode(text)
  const { cutLength = ids.length } = settings
  if (ids.length <= cutLength) return ids
  // what every text ends with
  const bare = tokenizer.encode('')
  let ends = 0
  while (ends < bare.length && ends < cutLength && bare.at(-1 - ends) === ids.at(-1 - ends)) ends++
  return [...ids.slice(0, cutLength - ends), ...ids.slice(ids.length - ends)]
}

/** The output that is the embedding of a text. */
function outputOf(graph: Graph, { shapes, picture, size }: TextParts): string {
  const ids = wordInputs(graph.inputs.map((i) => shapes?.get(i.name) ?? valueInfo(i)))?.asked.ids.name
  const outputs = graph.outputs.map((o) => shapes?.get(o.name) ?? valueInfo(o))
  const ofTexts = outputs.filter(
    ({ name, type }) =>
      ids !== undefined &&
      (type === undefined || type.includes('float')) &&
      isMadeFrom(graph, name, ids) &&
      (picture === undefined || !isMadeFrom(graph, name, picture)),
  )
  const rows = ofTexts.filter(({ dims }) => dims === undefined || dims.length === 2)
  const fitting = rows.filter(({ dims }) => typeof dims?.[1] !== 'number' || dims[1] === size)
  // of what is pooled and what is projected from it, the latter
  const last = fitting.filter((v) => !fitting.some((other) => other !== v && isMadeFrom(graph, other.name, v.name)))
  const found = last.find(({ name }) => /text_?embed/i.test(name)) ?? last[0]
  if (found) return found.name
  const projection =
    'Export the texts with their projection (CLIPTextModelWithProjection, which gives text_embeds; optimum: --task zero-shot-image-classification).'
  throw new ExplainError('method-not-applicable', {
    what:
      ids === undefined
        ? `This model reads no texts: its inputs are ${printInputs(graph.inputs.map(valueInfo))}`
        : rows.length > 0
          ? `The embeddings do not fit each other: that of a text is ${printInputs(rows)}, and that of a picture has ${size} numbers`
          : ofTexts.length > 0
            ? `The model gives no embedding [N, numbers] of a text, but ${printInputs(ofTexts)}: what pools these tokens and projects them is missing`
            : 'No output of this model is made of the text alone',
    remedy:
      ids === undefined
        ? 'Keep text_model.onnx beside vision_model.onnx, name another picture (similarity:OTHER.jpg), or give the text\'s embedding: { "kind": "text", "text": ..., "embedding": [...] }.'
        : projection,
  })
}

/** The texts' side of a model: a tower for each length of embeddings, made when it is asked for. Copies of a model share it. */
export class Texts {
  readonly #make: (size: number) => Promise<TextTower>
  readonly #towers = new Map<number, Promise<TextTower>>()

  constructor(make: (size: number) => Promise<TextTower>) {
    this.#make = make
  }

  /** For embeddings of so many numbers. Rejects as the making does, and again when asked again. */
  tower(size: number): Promise<TextTower> {
    const made = this.#towers.get(size) ?? this.#make(size)
    this.#towers.set(size, made)
    made.catch(() => this.#towers.delete(size))
    return made
  }

  async release(): Promise<void> {
    for (const tower of this.#towers.values()) await (await tower.catch(() => undefined))?.release()
  }
}
