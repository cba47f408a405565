/** What is asked to be explained, in the words of the command line: it stands in the address, in a field, and in what was computed of it. */
import { ExplainError, type GivenTarget } from 'onnxplain/web'
import type { Studio } from './studio.js'

/** A class by its index; all else as text, `word:3` or `neuron:VALUE[0]`, or as the JSON of a target. */
export type Wanted = number | string

/** As the library takes it. Throws `bad-option` for what looks like JSON, and is none. */
export function givenTarget(wanted: Wanted): GivenTarget {
  if (typeof wanted === 'number' || !wanted.trim().startsWith('{')) return wanted
  try {
    return JSON.parse(wanted)
  } catch (cause) {
    throw new ExplainError('bad-option', {
      what: `${wanted} is no JSON`,
      remedy: 'Write a target as text, such as class:3, or as an object, such as {"kind": "class", "index": 3}.',
      cause,
    })
  }
}

/** What the model's answer is made of, in the order in which it stands on the page: what keys and arrows choose from. */
export function choicesOf(studio: Studio): readonly Wanted[] {
  const kind = studio.view.value?.answer.kind
  if (kind === 'classes') return studio.answers.value.map((a) => a.index)
  if (kind === 'words') return studio.written.value?.words.map(({ first, last }) => phraseOf(first, last)) ?? []
  if (kind === 'boxes') return studio.boxes.value?.map((_, i) => `box:${i}`) ?? []
  if (kind === 'map') return studio.segmented.value?.seen.map(({ index }) => `region:${index}`) ?? []
  return []
}

/** What is explained where nothing is chosen; undefined where that is not known yet, or nothing is. */
export function usualOf(studio: Studio): Wanted | undefined {
  const kind = studio.view.value?.answer.kind
  if (kind === 'words') return 'word:*'
  if (kind === 'boxes') return studio.found.value && studio.found.value.length > 0 ? 'box:0' : undefined
  // the first class is the background, by custom
  if (kind === 'map') {
    const seen = studio.segmented.value?.seen
    const index = (seen?.find((s) => s.index !== 0) ?? seen?.[0])?.index
    return index === undefined ? undefined : `region:${index}`
  }
  return kind === 'classes' ? studio.answers.value[0]?.index : undefined
}

/** A class that was written as text (`espresso`, `class:967`) is chosen as the list chooses it. */
export function wantedOf(text: string, studio: Studio): Wanted | undefined {
  const plain = text.trim()
  if (plain === '') return undefined
  if (studio.view.peek()?.answer.kind !== 'classes') return plain
  const name = plain.replace(/^(class|answer):/, '').trim()
  const found = studio.answers.peek().find((a) => a.label === name || String(a.index) === name)
  return found?.index ?? plain
}

/** The words from one to another. */
export function phraseOf(a: number, b: number): Wanted {
  return a === b ? `word:${a}` : `word:${Math.min(a, b)}-${Math.max(a, b)}`
}

/** The first and the last word that are chosen; undefined where it is none of them, or cannot be told from the text alone. */
export function wordsOf(wanted: Wanted | undefined): readonly [number, number] | 'all' | undefined {
  if (wanted === 'word:*') return 'all'
  const [, from, to = from] = /^word:(\d+)(?:-(\d+))?$/.exec(String(wanted)) ?? []
  return from === undefined ? undefined : [Number(from), Number(to)]
}
