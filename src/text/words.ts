/** Tokens as the words that people see: pieces of one word belong together, and special tokens are no words. */
import type { Tokenizer } from './tokenizer.js'

export interface TextWord {
  readonly text: string
  /** Where its tokens are among those that were given. */
  readonly places: readonly number[]
}

/**
 * The words of a text. Where a word ends is what Unicode says of the text (UAX #29, word boundaries), so that scripts without blanks have words
 * too. A token that reaches over several words counts with the first.
 */
export function wordsOf(ids: readonly number[], tokenizer: Pick<Tokenizer, 'decode'>): readonly TextWord[] {
  const whole = tokenizer.decode(ids)
  const segments = [...new Intl.Segmenter(undefined, { granularity: 'word' }).segment(whole)]
  const words: { at: number; from: number; to: number; places: number[] }[] = []
  let from = 0
  for (const [place, id] of ids.entries()) {
    const to = tokenizer.decode(ids.slice(0, place + 1)).length
    const start = from + (/^\s*/u.exec(whole.slice(from, to))?.[0].length ?? 0)
    const last = words.at(-1)
    if (start < to) {
      const at = segments.findLast((s) => s.index <= start)?.index ?? 0
      if (last?.at === at) Object.assign(last, { to, places: [...last.places, place] })
      else words.push({ at, from: start, to, places: [place] })
      // the rest of a letter that takes several tokens
    } else if (last && tokenizer.decode([id]) !== '') last.places.push(place)
    from = Math.max(from, to)
  }
  return words.map((w) => ({ text: whole.slice(w.from, w.to).trim(), places: w.places }))
}
