/** Options that are several numbers: `0.05, 0.1`. */

/** The numbers of a list; NaN for what is none. */
export function numbersIn(text: string): readonly number[] {
  return text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
}
