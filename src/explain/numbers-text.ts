/** Numbers as people type them, for inputs beside the picture. */
import { ExplainError } from '../core/errors.js'
import type { Numbers } from './others.js'

/** Reads JSON (`[[1, 0], [0, 1]]`), numbers separated by commas, or one number; `true` and `false` are 1 and 0. Throws `bad-option`. */
export function parseNumbers(text: string): Numbers {
  const value = text.trim()
  const words = value.startsWith('[') ? value : value.includes(',') ? `[${value}]` : value
  let json: unknown
  try {
    json = JSON.parse(words)
  } catch (cause) {
    throw bad(value, 'is neither numbers nor lists of them', cause)
  }
  return numbers(json, value)
}

function numbers(json: unknown, value: string): Numbers {
  if (Array.isArray(json)) return json.map((part: unknown) => numbers(part, value))
  if (typeof json === 'number' || typeof json === 'boolean') return json
  throw bad(value, 'holds something that is not a number')
}

function bad(value: string, why: string, cause?: unknown): ExplainError {
  const shown = value.length > 40 ? `${value.slice(0, 40)} ...` : value
  return new ExplainError('bad-option', {
    what: `"${shown}" ${why}`,
    remedy: 'Give a number, numbers separated by commas, or JSON such as [[1, 0], [0, 1]].',
    cause,
  })
}
