/** What an occluding square is filled with, as the network takes it. */
import { rgb } from 'd3-color'
import { ExplainError } from '../core/errors.js'
import type { PreprocessSpec } from '../image/index.js'

/**
 * The value of each channel after preprocessing. `mean`: 0, which is the mean colour of the preprocessing. Else a CSS colour (`grey`,
 * `#808080`, `rgb(128, 128, 128)`). Throws `bad-option`.
 */
export function fillValues(text: string, spec: PreprocessSpec | undefined, channels: number): readonly number[] {
  if (text === 'mean') return Array.from({ length: channels }, () => 0)
  if (!spec)
    throw new ExplainError('bad-option', {
      what: `"${text}" is a colour, and this model takes no photos`,
      where: 'fill',
      remedy: 'Leave it out: 0 is taken.',
    })
  const colour = rgb(text)
  if ([colour.r, colour.g, colour.b].some((v) => Number.isNaN(v)))
    throw new ExplainError('bad-option', {
      what: `"${text}" is neither "mean" nor a colour`,
      where: 'fill',
      remedy: 'Give a colour as CSS writes it: grey, #808080, "rgb(128, 128, 128)".',
    })
  const luma = 0.299 * colour.r + 0.587 * colour.g + 0.114 * colour.b
  const bytes = { RGB: [colour.r, colour.g, colour.b], BGR: [colour.b, colour.g, colour.r], L: [luma] }[spec.channels]
  return bytes.map((v, c) => (v * spec.rescale - (spec.mean[c] ?? 0)) / (spec.std[c] ?? 1))
}
