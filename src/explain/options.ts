/** The options of a method or a metric: given ones checked against its definition, missing ones filled in. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import type { MethodOption, OptionDefinitions } from '../methods/method.js'
import { numbersIn } from '../methods/numbers-option.js'

export type GivenOptions = Readonly<Record<string, number | string>>

/** What has options: a method or a metric. */
export interface Optioned {
  readonly id: string
  readonly options: OptionDefinitions
}

/** The values of all options. Throws `bad-option`. */
export function resolveOptions(of: Optioned, given: GivenOptions): Readonly<Record<string, number | string>> {
  return Object.fromEntries(
    Object.entries(of.options).map(([name, option]) => [name, check(name, option, given[name] ?? option.default)]),
  )
}

/** Those of the given options that some of these have. */
export function optionsFor(all: readonly Optioned[], given: GivenOptions): GivenOptions {
  const names = new Set(all.flatMap(({ options }) => Object.keys(options)))
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.has(name)))
}

/** Throws `bad-option` for an option that none of them has. */
export function refuseUnknown(all: readonly Optioned[], given: GivenOptions): void {
  const names = all.flatMap(({ options }) => Object.keys(options))
  for (const name of Object.keys(given))
    if (!names.includes(name))
      throw new ExplainError('bad-option', {
        what: `${all.map((m) => m.id).join(', ')} has no option "${name}"`,
        remedy:
          didYouMean(name, names) ||
          (names.length > 0 ? `Its options are: ${names.join(', ')}.` : 'It has no options.'),
      })
}

function check(name: string, option: MethodOption, value: number | string): number | string {
  if (option.kind === 'fill') return String(value)
  if (option.kind === 'choice') return choiceOf(name, option.choices, String(value).trim())
  if (option.kind === 'switch') return switched(name, String(value).trim())
  if (option.kind === 'numbers') return checkNumbers(name, option, String(value))
  const text = typeof value === 'number' ? value : value.trim()
  const number = text === '' ? Number.NaN : Number(text)
  const fits = option.kind === 'integer' ? Number.isInteger(number) : number <= option.maximum
  if (fits && number >= option.minimum) return number
  const wanted =
    option.kind === 'integer'
      ? `a whole number of at least ${option.minimum} ${option.unit}`
      : `a number from ${option.minimum} to ${option.maximum} ${option.unit}`
  throw new ExplainError('bad-option', {
    what: `${name} is ${value}, which is not ${wanted.trim()}`,
    where: name,
  })
}

function choiceOf(name: string, choices: readonly string[], value: string): string {
  if (choices.includes(value)) return value
  throw new ExplainError('bad-option', {
    what: `${name} is "${value}"`,
    where: name,
    remedy: didYouMean(value, choices) || `It can be: ${choices.join(', ')}.`,
  })
}

/** A list of numbers, written as all are: `0.05, 0.1`. */
function checkNumbers(name: string, option: MethodOption & { readonly kind: 'numbers' }, text: string): string {
  const numbers = numbersIn(text)
  if (numbers.every((v) => v >= option.minimum && v <= option.maximum)) return numbers.join(', ')
  throw new ExplainError('bad-option', {
    what: `${name} is "${text}", which is not one or more numbers from ${option.minimum} to ${option.maximum} with commas between them, such as ${option.default}`,
    where: name,
  })
}

function switched(name: string, value: string): 0 | 1 {
  if (value === '0' || value === '1') return value === '1' ? 1 : 0
  throw new ExplainError('bad-option', {
    what: `${name} is ${value}, which is neither 1 (on) nor 0 (off)`,
    where: name,
  })
}
