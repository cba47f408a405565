/**
 * The tokenizers of a tokenizer.json (WordPiece, byte-level BPE, Unigram), as the library @huggingface/tokenizers has them. It is loaded with
 * the first of them.
 */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import type { SpecialTokens, TokenizerFiles } from './settings.js'
import { type Tokenizer, unknownWord } from './tokenizer.js'

/** Rejects with `cannot-read` for a tokenizer that cannot be carried out. */
export async function jsonTokenizer({ json, config }: TokenizerFiles, special: SpecialTokens): Promise<Tokenizer> {
  const library = await import('@huggingface/tokenizers')
  const bad = (cause: unknown): ExplainError =>
    new ExplainError('cannot-read', {
      what: `tokenizer.json cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      where: 'tokenizer.json',
      remedy: 'It is what "tokenizer.save(...)" of the library "tokenizers" writes, for WordPiece, BPE or Unigram.',
      cause,
    })
  if (typeof json !== 'object' || json === null || !('model' in json)) throw bad('it holds no model')
  let inner: InstanceType<typeof library.Tokenizer>
  try {
    inner = new library.Tokenizer(json, config ?? {})
  } catch (cause) {
    throw bad(cause)
  }
  const added = inner.get_added_tokens_decoder()
  const named = (key: string): number | undefined => {
    const name = contentOf(config?.[key])
    return name === undefined ? undefined : inner.token_to_id(name)
  }
  const only = (ids: readonly number[]): number | undefined => (ids.length === 1 ? ids[0] : undefined)
  const plain = (text: string): readonly number[] => inner.encode(text, { add_special_tokens: false }).ids
  const prefix = continuingPrefix(json.model)
  const piece = (id: number): string => {
    const name = inner.id_to_token(id) ?? `token ${id}`
    if (added.get(id)?.special) return name
    const text = inner.decode([id], { skip_special_tokens: false, clean_up_tokenization_spaces: false }).trim()
    // a byte of a letter is no text of its own
    if (text === '' || text.includes('\uFFFD')) return name
    return prefix !== '' && text.startsWith(prefix) && text !== prefix ? text.slice(prefix.length) : text
  }
  return {
    encode: (text) => inner.encode(text).ids,
    decode: (ids) => inner.decode([...ids], { skip_special_tokens: true }).trim(),
    tokens: (ids) => ids.map(piece),
    id(word) {
      const wanted = word.trim()
      // within a text, most words have a blank before them
      const found = inner.token_to_id(word) ?? only(plain(` ${wanted}`)) ?? only(plain(wanted))
      if (found !== undefined && piece(found) !== '' && !isUnknown(found)) return found
      const parts = plain(` ${wanted}`)
      const isSplit = parts.length > 1
      const remedy = isSplit
        ? `It is ${parts.length} tokens: ${parts.map((p) => `"${piece(p)}"`).join(', ')}. Give one of them.`
        : didYouMean(wanted, readable())
      throw unknownWord(wanted, remedy || 'Give a word of its tokenizer.json.')
    },
    pad: special.pad ?? named('pad_token'),
    bos: special.bos ?? named('bos_token') ?? named('cls_token'),
    eos: only(special.eos) ?? named('eos_token') ?? named('sep_token'),
  }

  function isUnknown(id: number): boolean {
    return id === inner.model?.unk_token_id
  }

  function readable(): string[] {
    return [...inner.get_vocab().keys()].map((t) => t.replace(/^[\u0120\u2581]|<\/w>$/gu, ''))
  }
}

/** A special token's text, which is written as it is or in an object. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token
  return typeof token === 'object' && token !== null && 'content' in token && typeof token.content === 'string'
    ? token.content
    : undefined
}

/** What a piece begins with that goes on a word: `##` in WordPiece. */
function continuingPrefix(model: unknown): string {
  const isWordPiece = typeof model === 'object' && model !== null && 'type' in model && model.type === 'WordPiece'
  if (!isWordPiece) return ''
  const own = 'continuing_subword_prefix' in model ? model.continuing_subword_prefix : '##'
  return typeof own === 'string' ? own : '##'
}
