/** A method's own options: given ones checked against its definition, missing ones filled in. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import type { Method, MethodOption } from '../methods/method.js'

export type GivenOptions = Readonly<Record<string, number | string>>

/** The values of all options of a method. Throws `bad-option`. */
export function resolveOptions(method: Method, given: GivenOptions): Readonly<Record<string, number | string>> {
  return Object.fromEntries(
    Object.entries(method.options).map(([name, option]) => [name, check(name, option, given[name] ?? option.default)]),
  )
}

/** Those of the given options that some of these methods have. */
export function optionsFor(methods: readonly Method[], given: GivenOptions): GivenOptions {
  const names = new Set(methods.flatMap((m) => Object.keys(m.options)))
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.has(name)))
}

/** Throws `bad-option` for an option that none of the methods has. */
export function refuseUnknown(methods: readonly Method[], given: GivenOptions): void {
  const names = methods.flatMap((m) => Object.keys(m.options))
  for (const name of Object.keys(given))
    if (!names.includes(name))
      throw new ExplainError('bad-option', {
        what: `${methods.map((m) => m.id).join(', ')} has no option "${name}"`,
        remedy:
          didYouMean(name, names) ||
          (names.length > 0 ? `Its options are: ${names.join(', ')}.` : 'It has no options.'),
      })
}

function check(name: string, option: MethodOption, value: number | string): number | string {
  if (option.kind === 'fill') return String(value)
  if (option.kind === 'switch') return switched(name, String(value).trim())
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

function switched(name: string, value: string): 0 | 1 {
  if (value === '0' || value === '1') return value === '1' ? 1 : 0
  throw new ExplainError('bad-option', {
    what: `${name} is ${value}, which is neither 1 (on) nor 0 (off)`,
    where: name,
  })
}
