/** Arguments: lists, numbers, and the options that methods bring with them. */
import { type Command, InvalidArgumentError } from 'commander'
import { METHODS } from '../methods/index.js'
import type { Method, MethodOption } from '../methods/method.js'
import type { GivenTarget } from '../targets/index.js'
import { SCORES } from '../targets/target.js'

/** What `--grid` says of itself. */
export const GRID =
  'rows x columns of the tokens, + how many others come before them, as 14x14+1 (default: found from the graph)'

/** For options that repeat. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** `NAME=VALUE`: both of them, as they stand; undefined where it is something else. */
export function named(text: string): readonly [string, string] | undefined {
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  return name !== undefined && value !== undefined ? [name, value] : undefined
}

/** Ends with a usage error where a score has none of its names. */
export function checkScore(command: Command, score: string | undefined): void {
  if (score !== undefined && !SCORES.some((s) => s === score))
    command.error(`error: --score is ${SCORES.slice(0, -1).join(', ')} or ${SCORES.at(-1)}`, { exitCode: 2 })
}

/** What `--target` is given: text, or a JSON object. */
export function givenTarget(text: string): GivenTarget {
  if (!text.trim().startsWith('{')) return text
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidArgumentError(
      `It begins as JSON does, and is none (${error instanceof Error ? error.message : error}).`,
    )
  }
}

/** For `--target`, which repeats. */
export function collectTargets(text: string, before: readonly GivenTarget[] = []): readonly GivenTarget[] {
  return [...before, givenTarget(text)]
}

/** `0.5,0.5,0.5` */
export function numbers(text: string): readonly number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (values.some((v) => !Number.isFinite(v))) throw new InvalidArgumentError('Numbers separated by commas are wanted.')
  return values
}

export function positive(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number of at least 1 is wanted.')
  return value
}

/** A number of at least 0, or `all`: as many as there are. */
export function count(text: string): number {
  const value = text === 'all' ? Number.POSITIVE_INFINITY : Number(text)
  if (text.trim() === '' || !(value >= 0))
    throw new InvalidArgumentError('A number of at least 0, or "all", is wanted.')
  return value
}

/** `320x448` (height x width), or `224` for a square. */
export function size(text: string): { readonly height: number; readonly width: number } {
  const [, height = '', width = height] = /^(\d+)(?:x(\d+))?$/i.exec(text.trim()) ?? []
  if (Number(height) < 1 || Number(width) < 1)
    throw new InvalidArgumentError('HEIGHTxWIDTH in pixels, or one side, is wanted.')
  return { height: Number(height), width: Number(width) }
}

/** Adds the options of methods, under their own names; what several have in common is one option. */
export function addMethodOptions(command: Command, methods: readonly Method[] = METHODS): void {
  const options = methods.flatMap((m) =>
    Object.entries(m.options).map(([name, option]) => ({ id: m.id, name, option })),
  )
  for (const name of new Set(options.map((o) => o.name))) {
    const same = options.filter((o) => o.name === name)
    const lines = [...new Set(same.map(({ option }) => said(option)))].map((text) => {
      const ids = same.filter(({ option }) => text === said(option))
      return `${ids.map((o) => o.id).join(', ')}: ${text}`
    })
    command.option(`--${name}${argumentOf(same)}`, lines.join('; '))
  }
}

function said(option: MethodOption): string {
  return option.kind === 'switch' ? option.description : `${option.description} (default: ${option.default})`
}

/** What stands behind the flag: nothing where it switches something on. */
function argumentOf(same: readonly { readonly option: MethodOption }[]): string {
  if (same.every(({ option }) => option.kind === 'switch')) return ''
  return ` <${choicesOf(same) ?? unitOf(same) ?? 'number'}>`
}

/** What can be given, where all of them are words. */
function choicesOf(options: readonly { readonly option: MethodOption }[]): string | undefined {
  if (options.every(({ option }) => option.kind === 'fill')) return 'mean|colour'
  const choices = options.map(({ option }) => (option.kind === 'choice' ? option.choices : undefined))
  return choices.every((c) => c !== undefined) ? [...new Set(choices.flat())].join('|') : undefined
}

/** The unit that all of them have. */
function unitOf(options: readonly { readonly option: MethodOption }[]): string | undefined {
  const units = new Set(options.map(({ option }) => ('unit' in option ? option.unit : '')))
  return [...units].join('|') || undefined
}

/** The method options that were given. */
export function givenMethodOptions(command: Command): Readonly<Record<string, string>> {
  const names = new Set(METHODS.flatMap((m) => Object.keys(m.options)))
  const values: Readonly<Record<string, unknown>> = command.opts()
  return Object.fromEntries(
    command.options.flatMap((o): [string, string][] => {
      const name = o.long?.slice(2) ?? ''
      const value = values[o.attributeName()]
      return names.has(name) && value !== undefined ? [[name, value === true ? '1' : String(value)]] : []
    }),
  )
}
