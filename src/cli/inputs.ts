/** `--input NAME=VALUE`: what the model's other inputs are given. */
import { ExplainError } from '../core/errors.js'
import { type GivenInputs, type Numbers, parseNumbers } from '../explain/index.js'
import { readBytes } from '../node/files.js'
import { decodeNpyArray } from '../onnx/npy.js'
import { named } from './arguments.js'

/**
 * Reads the values of `--input`, each `NAME=VALUE`: a .npy file, JSON (`[[1, 0], [0, 1]]`), numbers separated by commas, or one number;
 * `true` and `false` are 1 and 0. Throws `bad-option`, `cannot-read`, `invalid-tensor`.
 */
export async function readInputs(texts: readonly string[] = []): Promise<GivenInputs> {
  const given: Record<string, GivenInputs[string]> = {}
  for (const text of texts) {
    const [name = '', value = ''] = named(text) ?? []
    if (name === '' || value.trim() === '') throw bad(text, 'it is not NAME=VALUE')
    if (Object.hasOwn(given, name)) throw bad(text, `"${name}" is given twice`)
    given[name] = value.endsWith('.npy')
      ? decodeNpyArray(await readBytes(value, 'The array'), value)
      : parsed(value, text)
  }
  return given
}

function bad(text: string, why: string): ExplainError {
  return new ExplainError('bad-option', {
    what: `--input "${text}" cannot be read: ${why}`,
    remedy: 'Give --input NAME=VALUE, VALUE a number, numbers separated by commas, JSON, or a .npy file.',
  })
}

function parsed(value: string, text: string): Numbers {
  try {
    return parseNumbers(value)
  } catch (error) {
    throw error instanceof ExplainError ? bad(text, error.what) : error
  }
}
