/** What a map was made from, short enough to keep beside it. */
import type { Tensor } from '../core/tensor.js'
import type { Answer } from '../targets/answer.js'
import type { Target } from '../targets/index.js'
import type { ClassAnswer, ExplainedAnswer, Provenance } from './explanation.js'
import type { TokenGrid } from './plan.js'
import type { Prepared } from './prepare.js'
import { VERSION } from './version.js'

/** Values that are listed; of more the hash is kept. */
const FEW_VALUES = 64

/** What all that is made of one picture has in common. */
export interface Occasion {
  readonly prepared: Prepared
  readonly answers: readonly ClassAnswer[]
  /** The runtime's name. */
  readonly runtime: string
  /** Of the model's file; null where there is nothing to hash with. */
  readonly sha256: string | null
  readonly inputs: Provenance['inputs']
}

/** How a map was made. */
export interface Making {
  /** A method id. */
  readonly method: string
  readonly options: Provenance['options']
  readonly layer: string | undefined
  readonly tokens: TokenGrid | undefined
  /** The input that is explained. */
  readonly input: string
  readonly notes: readonly string[]
}

/** What is told of a model. */
export interface TracedModel {
  readonly name: string
  readonly answer: Answer
  readonly notes: readonly string[]
}

export function provenanceOf(
  model: TracedModel,
  { prepared, runtime, sha256, inputs }: Occasion,
  { method, options, layer, tokens, input, notes }: Making,
  target: Target,
  { key: _, ...answer }: ExplainedAnswer,
): Provenance {
  const { activation, logits } = model.answer
  const end = `The model ends in ${activation}; the logits before it are "${logits}".`
  return {
    onnxplain: VERSION,
    runtime,
    model: { name: model.name, sha256 },
    method,
    options,
    layer: layer ?? null,
    tokens: tokens ?? null,
    input,
    inputs,
    target,
    answer: { ...answer, logits, activation },
    preprocessing: prepared.preprocessing,
    notes: [...model.notes, ...(activation === 'none' ? [] : [end]), ...(sha256 === null ? [NO_HASH] : []), ...notes],
  }
}

/** What the other inputs were given. */
export async function provenanceInputs(inputs: Readonly<Record<string, Tensor>>): Promise<Provenance['inputs']> {
  const entries = Object.entries(inputs).map(async ([name, { type, dims, data }]) => {
    const few = data.length <= FEW_VALUES
    const list = (): (number | string)[] =>
      Array.from(data as ArrayLike<number | bigint>, (v) => (typeof v === 'bigint' ? String(v) : v))
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return [name, { type, dims, values: few ? list() : null, sha256: few ? null : await sha256(bytes) }] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

const NO_HASH =
  'The SHA-256 of the model is not known: this page is not secure (https), and browsers hash on secure pages alone.'

/**
 * SHA-256 of bytes, of several pieces one after the other, in hexadecimal; null on web pages that are not secure, where browsers give no
 * `crypto.subtle`.
 */
export async function sha256(...pieces: readonly Uint8Array[]): Promise<string | null> {
  const { subtle } = globalThis.crypto as Partial<typeof globalThis.crypto>
  if (!subtle) return null
  const [only] = pieces
  const bytes = only && pieces.length === 1 ? only : concatenated(pieces)
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('')
}

function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((n, piece) => n + piece.byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.byteLength
  }
  return all
}
