/** Equations of Einsum: which axis of each operand has which label, and which labels the result has. */
import { ExplainError } from '../core/errors.js'

export interface Equation {
  /** One list of labels per operand, one label per axis; a label that repeats takes a diagonal. */
  readonly operands: readonly (readonly string[])[]
  /** Labels that the operands have and the result has not are summed over. */
  readonly output: readonly string[]
}

const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ']

/**
 * Reads an equation for operands of these ranks. An ellipsis becomes labels that the equation does not use, aligned to the right as in
 * broadcasting. Without `->` the result has the ellipsis, and then the labels that occur once, in alphabetical order.
 */
export function parseEquation(text: string, ranks: readonly number[]): Equation {
  const [left = '', right] = text.replaceAll(/\s/g, '').split('->')
  const terms = left.split(',')
  const used = new Set(text)
  const free = LETTERS.filter((l) => !used.has(l))
  const covered = (term: string, rank: number): number => rank - term.replace('...', '').length
  const widths = terms.map((term, i) => (term.includes('...') ? covered(term, ranks[i] ?? 0) : 0))
  const width = Math.max(0, ...widths)
  if (terms.length !== ranks.length || width > free.length || widths.some((w) => w < 0))
    throw new ExplainError('invalid-model', {
      what: `The equation "${text}" does not fit operands of ${ranks.join(', ')} axes`,
    })
  const ellipsis = free.slice(0, width)
  const labels = (term: string, count: number): string[] => {
    const [before = '', after] = term.split('...')
    return [...before, ...(after === undefined ? [] : [...ellipsis.slice(width - count), ...after])]
  }
  return {
    operands: terms.map((term, i) => labels(term, widths[i] ?? 0)),
    output: right === undefined ? [...ellipsis, ...onceIn(left)] : labels(right, width),
  }
}

export function printEquation({ operands, output }: Equation): string {
  return `${operands.map((labels) => labels.join('')).join(',')}->${output.join('')}`
}

/** The letters that occur once, upper case first. */
function onceIn(left: string): string[] {
  const letters = [...left].filter((c) => LETTERS.includes(c))
  return letters.filter((c) => letters.indexOf(c) === letters.lastIndexOf(c)).sort()
}
