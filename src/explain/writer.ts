/** A model that writes texts about pictures, run: the picture's part once, that of the words once for each word. */
import { ExplainError } from '../core/errors.js'
import type { OptimizationLevel, Runtime } from '../core/runtime.js'
import { float32, sizeOf, type Tensor } from '../core/tensor.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import type { Next } from '../text/index.js'
import { fixedLength, type WordInputs, wordFeeds, wordInputs } from '../text/rows.js'
import type { Feed } from './feed.js'
import { type Halves, halvesOf } from './halves.js'
import type { PictureInput } from './input.js'
import { repeatRow } from './others.js'
import { float32Of, sessionFile } from './session-files.js'
import { SessionCache } from './sessions.js'

export interface WriterParts {
  /** Lowered. */
  readonly graph: Graph
  readonly shapes: Shapes
  readonly input: PictureInput
  /** The value that holds the words' scores, `[N,T,V]` or, of the last word alone, `[N,V]`. */
  readonly scores: string
  /** What fills rows, where the model's file fixes their length. */
  readonly pad?: number | undefined
}

export class Writer {
  /** The inputs of the text that is written. */
  readonly inputs: WordInputs
  /** The names of these. */
  readonly names: readonly string[]
  readonly #input: PictureInput
  readonly #scores: string
  readonly #pad: number
  readonly #halves: Halves
  readonly #shapes: Shapes
  readonly #runtime: Runtime
  readonly #sessions: SessionCache

  /** Throws `method-not-applicable` for a model that reads no words. */
  constructor(parts: WriterParts, runtime: Runtime, optimization: OptimizationLevel = 'all') {
    const { graph } = parts
    const known = graph.inputs.flatMap((i) => parts.shapes.get(i.name) ?? [])
    const inputs = wordInputs(known)?.written
    if (!inputs)
      throw new ExplainError('method-not-applicable', {
        what: 'This model writes no texts: none of its inputs takes the numbers of words (int64 [N, length], such as input_ids)',
      })
    this.inputs = inputs
    this.#input = parts.input
    this.#scores = parts.scores
    // what fills a row stands behind all words, which do not see it
    this.#pad = parts.pad ?? 0
    this.names = Object.values(inputs).flatMap((i) => i?.name ?? [])
    this.#halves = halvesOf(graph, parts.shapes, { picture: parts.input.name, words: this.names }, parts.scores)
    this.#shapes = parts.shapes
    this.#runtime = runtime
    this.#sessions = new SessionCache(runtime, { optimization })
  }

  /** Tokens that a text may have; undefined: any number. */
  get longest(): number | undefined {
    const length = fixedLength(this.inputs)
    // the last one is written behind all that is read
    return length === undefined ? undefined : length + 1
  }

  /** Looks at a picture, once: what gives the scores of the words behind texts about it. `feed`: with what other inputs are given. */
  async see(feed: Feed): Promise<Next> {
    const { carried, picture } = this.#halves
    const pictures = repeatRow(feed.pictures, this.#input.batch ?? 1)
    const own = { ...feed.others, [this.#input.name]: pictures }
    const made = carried.some((name) => name !== this.#input.name)
      ? await this.#run('picture', picture, own)
      : undefined
    const seen = Object.fromEntries(carried.map((name): [string, Tensor] => [name, made?.[name] ?? pictures]))
    const rows = this.#input.batch
    return async (texts) => {
      const found: Float32Array[] = []
      for (let i = 0; i < texts.length; i += rows ?? texts.length) {
        const some = texts.slice(i, i + (rows ?? texts.length))
        found.push(...(await this.#next(some, { ...feed.others, ...seen })))
      }
      return found
    }
  }

  async release(): Promise<void> {
    await this.#sessions.release()
  }

  /** The scores behind texts: as many as the model takes at once, or fewer. */
  async #next(
    texts: readonly (readonly number[])[],
    others: Readonly<Record<string, Tensor>>,
  ): Promise<Float32Array[]> {
    const count = this.#input.batch ?? texts.length
    const full = Array.from({ length: count }, (_, i) => texts[i] ?? texts[0] ?? [])
    const filling = { pad: this.#pad, side: 'right', length: undefined } as const
    const repeated = Object.entries(others).map(([name, value]): [string, Tensor] => [
      name,
      this.#rows(name, value, count),
    ])
    const feeds = { ...Object.fromEntries(repeated), ...wordFeeds(this.inputs, full, filling) }
    const scores = float32Of(await this.#run('words', this.#halves.words, feeds), this.#scores)
    return texts.map((text, i) => lastOf(scores, i, text.length - 1))
  }

  /** What has a row for each picture, with one for each text. */
  #rows(name: string, value: Tensor, count: number): Tensor {
    const batch = this.#shapes.get(this.#input.name)?.dims?.[0]
    return this.#shapes.get(name)?.dims?.[0] === batch ? repeatRow(value, count) : value
  }

  async #run(key: string, graph: Graph, given: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    return this.#sessions.use(
      key,
      () => sessionFile(graph, this.#shapes, this.#runtime.lacks),
      (session) => {
        const wanted = new Set(session.inputs.map((i) => i.name))
        return session.run(Object.fromEntries(Object.entries(given).filter(([name]) => wanted.has(name))))
      },
    )
  }
}

/** The scores behind the word at a place, of `[N,T,V]`; those of `[N,V]` are of the last. */
function lastOf(scores: Tensor<'float32'>, row: number, place: number): Float32Array {
  const words = scores.dims.at(-1) ?? 0
  const places = sizeOf(scores.dims.slice(1, -1))
  const start = (row * places + (scores.dims.length > 2 ? place : 0)) * words
  return float32([words], scores.data.slice(start, start + words)).data
}
