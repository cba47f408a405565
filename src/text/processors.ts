/**
 * What a model's files allow to be written, as changes of the next token's scores. In Hugging Face's order, and as its logits processors of the
 * same names have them (transformers, generation/logits_process.py).
 */
import type { GenerationSettings } from './settings.js'

const NEVER = Number.NEGATIVE_INFINITY

/** Changes `scores` in place. `written`: the tokens so far. `from`: how many of them were given. `ends`: tokens that end a text. */
export function process(
  scores: Float64Array,
  written: readonly number[],
  from: number,
  ends: readonly number[],
  settings: GenerationSettings,
): void {
  repel(scores, written, settings.repetitionPenalty)
  for (const id of repeating(written, settings.noRepeatNgram)) scores[id] = NEVER
  for (const id of banned(written, settings.banned)) scores[id] = NEVER
  if (written.length < settings.minLength) for (const id of ends) scores[id] = NEVER
  if (written.length === 1 && settings.forcedBos !== undefined) force(scores, [settings.forcedBos])
  if (written.length === settings.maxLength - 1 && settings.forcedEos.length > 0) force(scores, settings.forcedEos)
  for (const id of settings.suppressed) scores[id] = NEVER
  if (written.length === from) for (const id of settings.suppressedFirst) scores[id] = NEVER
}

/** Keskar et al. 2019, "CTRL", section 4.1. */
function repel(scores: Float64Array, written: readonly number[], penalty: number): void {
  if (penalty === 1) return
  for (const id of new Set(written)) {
    const score = scores[id] ?? 0
    scores[id] = score < 0 ? score * penalty : score / penalty
  }
}

/** The tokens that would write a group of `size` tokens a second time. */
function repeating(written: readonly number[], size: number): readonly number[] {
  if (size < 1 || written.length + 1 < size) return []
  const last = written.slice(written.length - size + 1)
  return written.flatMap((id, i) => {
    const start = i - size + 1
    return start >= 0 && last.every((t, k) => written[start + k] === t) ? [id] : []
  })
}

/** The tokens that would write the last of a group whose others stand there. */
function banned(written: readonly number[], groups: readonly (readonly number[])[]): readonly number[] {
  return groups.flatMap((group) => {
    const before = group.slice(0, -1)
    const start = written.length - before.length
    const isThere = start >= 0 && before.every((t, k) => written[start + k] === t)
    return isThere ? group.slice(-1) : []
  })
}

function force(scores: Float64Array, ids: readonly number[]): void {
  scores.fill(NEVER)
  for (const id of ids) scores[id] = 0
}
