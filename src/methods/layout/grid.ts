/** A grid of tokens that the user states, and what a number of tokens could mean where the graph does not tell. */
import { ExplainError } from '../../core/errors.js'
import type { Dim } from '../../core/runtime.js'
import { type Axis, batch, type Layout, other, type Place, sequenceOf, tokens } from './axes.js'

/** `14x14+1`: rows, columns, and how many tokens come before the places. */
export interface StatedGrid {
  readonly height: number
  readonly width: number
  /** Default: all that are left of the sequence. */
  readonly before?: number | undefined
}

/** Reads `HxW` or `HxW+BEFORE`. Throws `bad-option`. */
export function parseGrid(text: string): StatedGrid {
  const [, height, width, before] = /^([1-9]\d*)x([1-9]\d*)(?:\+(\d+))?$/i.exec(text.trim()) ?? []
  if (height === undefined || width === undefined)
    throw new ExplainError('bad-option', {
      what: `The grid is "${text}", not ROWSxCOLUMNS or ROWSxCOLUMNS+BEFORE`,
      where: 'grid',
      remedy: '14x14 says 14 rows of 14 tokens; 14x14+1 that one token, such as a class token, comes before them.',
    })
  return { height: Number(height), width: Number(width), ...(before === undefined ? {} : { before: Number(before) }) }
}

export function printGrid({ height, width, before }: StatedGrid): string {
  return `${height}x${width}${before === undefined ? '' : `+${before}`}`
}

/** Tokens that networks put around the places: class, distillation and register tokens. More are not guessed. */
const MOST_OTHERS = 17

/** The axis that a stated grid lays out: of size `height * width`, `before` and a few more. undefined where `size` is another. */
function statedAxis(size: Dim | undefined, grid: StatedGrid, value: string, axis: number): Axis | undefined {
  if (typeof size !== 'number') return undefined
  const others = size - grid.height * grid.width
  const before = grid.before ?? others
  if (others < before || before < 0 || others > Math.max(before, MOST_OTHERS)) return undefined
  const from = { value, axis }
  const place = (along: number, extent: number): Place => ({
    kind: 'place',
    along,
    size: extent,
    step: 1,
    whole: extent,
    from,
  })
  return tokens([place(0, grid.height), place(1, grid.width)], before, others - before)
}

/** A layout with the stated grid on the first axis that can bear it: one that is a sequence already, or, of a value of three axes, any but the first. */
export function restate(layout: Layout, dims: readonly Dim[], grid: StatedGrid, value: string): Layout {
  const isSequence = (axis: Axis): boolean => (sequenceOf(axis)?.places.length ?? 0) > 1
  const known = layout.some(isSequence)
  const at = layout.findIndex((axis, i) => {
    const may = known ? isSequence(axis) : dims.length === 3 && i > 0 && dims[3 - i] !== 1
    return may && statedAxis(dims[i], grid, value, i) !== undefined
  })
  const axis = at < 0 ? undefined : statedAxis(dims[at], grid, value, at)
  if (!axis) return layout
  if (known) return layout.with(at, axis)
  return dims.map((size, i) => (i === at ? axis : i === 0 ? batch(size) : other(size)))
}

/** Grids that a sequence of `count` tokens could be, the likeliest first, in the form in which they are stated. */
export function candidates(count: number, aspect: number): readonly string[] {
  const found: { readonly grid: StatedGrid; readonly rank: number }[] = []
  for (const [i, before] of [0, 1, 2, 4, 5, 8, 9].entries()) {
    const all = count - before
    for (let height = 2; height <= all / 2; height++) {
      if (all % height !== 0) continue
      const width = all / height
      const off = Math.abs(Math.log(width / height / aspect))
      if (off < Math.log(2) + 1e-9) found.push({ grid: { height, width, before }, rank: off * 10 + i })
    }
  }
  return found
    .sort((a, b) => a.rank - b.rank)
    .slice(0, 6)
    .map((c) => printGrid(c.grid))
}

/** The number of tokens on the axis that is likeliest to bear them: the second of `[N, T, C]`. */
export function tokenCount(dims: readonly Dim[] | undefined): number | undefined {
  const [, count, channels] = dims ?? []
  return dims?.length === 3 && typeof count === 'number' && typeof channels === 'number' ? count : undefined
}
