/**
 * What runs along the axes of a value. An axis is a list of factors, the first varying slowest, as when axes are merged: tokens are
 * the axis `[y, x]`, windows of a batch `[batch, rows of windows, columns of windows]`. So reshaping is regrouping.
 */
import type { Dim } from '../../core/runtime.js'

/** Places of the picture along one of its directions, or one digit of them: every `step`-th of `whole`. */
export interface Place {
  readonly kind: 'place'
  /** 0 for rows, 1 for columns of a picture; a volume has three. */
  readonly along: number
  readonly size: Dim
  /** How many places of the whole one step of this digit is. */
  readonly step: number
  /** All places in this direction. */
  readonly whole: Dim
  /** The axis of a value that has all of them, to read their number at run time. */
  readonly from: { readonly value: string; readonly axis: number }
}

/** A sequence of places with others around it: class, distillation and register tokens. */
export interface Tokens {
  readonly kind: 'tokens'
  readonly size: Dim
  readonly before: number
  readonly after: number
  readonly places: readonly Place[]
}

export type Factor =
  | Place
  | Tokens
  | { readonly kind: 'batch'; readonly size: Dim }
  /** Channels, and whatever else is not known to be one of the above. */
  | { readonly kind: 'other'; readonly size: Dim }

/** Nothing runs along an axis of size 1. */
export type Axis = readonly Factor[]
export type Layout = readonly Axis[]

export function other(size: Dim | undefined): Axis {
  return size === 1 ? [] : [{ kind: 'other', size: size ?? null }]
}

export function batch(size: Dim | undefined): Axis {
  return size === 1 ? [] : [{ kind: 'batch', size: size ?? null }]
}

/** All places in a direction, as axis `axis` of `value` has them. */
export function places(along: number, size: Dim | undefined, value: string, axis: number): Axis {
  const known = size ?? null
  return [{ kind: 'place', along, size: known, step: 1, whole: known, from: { value, axis } }]
}

/** A sequence with others around it; the bare places where there are none. */
export function tokens(all: readonly Place[], before: number, after: number): Axis {
  if (before === 0 && after === 0) return all
  const count = product(all)
  return [{ kind: 'tokens', size: count === null ? null : count + before + after, before, after, places: all }]
}

/** The places on an axis and how many others are around them; undefined where the axis holds anything else. */
export function sequenceOf(axis: Axis): Omit<Tokens, 'kind' | 'size'> | undefined {
  const [first] = axis
  if (first?.kind === 'tokens') return axis.length === 1 ? first : undefined
  const all = axis.filter((f) => f.kind === 'place')
  return all.length > 0 && all.length === axis.length ? { before: 0, after: 0, places: all } : undefined
}

/** The direction, where an axis holds the places of one direction alone. */
export function directionOf(axis: Axis | undefined): number | undefined {
  const sequence = axis && sequenceOf(axis)
  const [first, ...more] = sequence?.places ?? []
  if (!first || !sequence || sequence.before + sequence.after > 0) return undefined
  return more.every((p) => p.along === first.along) ? first.along : undefined
}

export function holdsPlaces(axis: Axis | undefined): boolean {
  return axis?.some((f) => f.kind === 'place' || f.kind === 'tokens') ?? false
}

/** The product of sizes; null where one is unknown. */
export function product(factors: readonly { readonly size: Dim }[]): number | null {
  return factors.reduce<number | null>((n, f) => (n === null || typeof f.size !== 'number' ? null : n * f.size), 1)
}

/** Equal for axes along which the same runs. */
export function keyOf(axis: Axis): string {
  return axis.map(factorKey).join(' ')
}

function factorKey(f: Factor): string {
  if (f.kind === 'place') return `${f.along}:${f.size}*${f.step}/${f.whole}`
  return f.kind === 'tokens' ? `${f.before}+(${keyOf(f.places)})+${f.after}` : `${f.kind} ${f.size}`
}

/**
 * The factors of all axes shared out to axes of new sizes, in order; undefined where sizes do not tell how. From both ends as far as
 * sizes agree, splitting factors into digits; what remains goes to the one axis of unknown size, or to as many as there are factors.
 */
export function regroup(axes: Layout, dims: readonly Dim[]): Layout | undefined {
  const rest: Factor[] = axes.flat()
  const out: Factor[][] = dims.map(() => [])
  let [start, end] = [0, dims.length]
  for (; start < end; start++) {
    const taken = take(rest, dims[start] ?? null, 'outer')
    if (!taken) break
    out[start] = taken
  }
  for (; end > start; end--) {
    const taken = take(rest, dims[end - 1] ?? null, 'inner')
    if (!taken) break
    out[end - 1] = taken
  }
  if (end - start === rest.length) for (const [i, f] of rest.entries()) out[start + i] = [f]
  else if (end - start === 1) out[start] = rest
  else if (end > start || rest.length > 0) return undefined
  return out
}

/** Takes factors whose sizes multiply to `dim` from one end of `rest`; takes nothing and returns undefined where they do not. */
function take(rest: Factor[], dim: Dim, end: 'outer' | 'inner'): Factor[] | undefined {
  if (dim === 1) return []
  const next = (): Factor | undefined => (end === 'outer' ? rest[0] : rest.at(-1))
  const pop = (): unknown => (end === 'outer' ? rest.shift() : rest.pop())
  const taken: Factor[] = []
  const put = (f: Factor): unknown => (end === 'outer' ? taken.push(f) : taken.unshift(f))
  if (typeof dim !== 'number') {
    const first = next()
    if (dim === null || first?.size !== dim) return undefined
    pop()
    put(first)
    return taken
  }
  const before = [...rest]
  for (let left = dim; left > 1; ) {
    const f = next()
    const parts = f && typeof f.size === 'number' ? digits(f, f.size, left, end) : undefined
    if (!parts) {
      rest.splice(0, rest.length, ...before)
      return undefined
    }
    pop()
    put(parts.taken)
    if (parts.left && end === 'outer') rest.unshift(parts.left)
    else if (parts.left) rest.push(parts.left)
    left /= parts.count
  }
  return taken
}

/** A factor, or the digit of it that has `wanted` steps; undefined where it has no such digit. */
function digits(
  f: Factor,
  size: number,
  wanted: number,
  end: 'outer' | 'inner',
): { readonly taken: Factor; readonly left?: Factor; readonly count: number } | undefined {
  if (wanted % size === 0) return { taken: f, count: size }
  if (size % wanted !== 0 || f.kind === 'tokens') return undefined
  const step = f.kind === 'place' ? f.step : 1
  const inner = end === 'outer' ? size / wanted : wanted
  const outer = size / inner
  const outside: Factor = f.kind === 'place' ? { ...f, size: outer, step: step * inner } : { ...f, size: outer }
  const inside: Factor = { ...f, size: inner }
  return end === 'outer'
    ? { taken: outside, left: inside, count: wanted }
    : { taken: inside, left: outside, count: wanted }
}

/** Neighbouring digits of one direction on one axis become one again. */
export function joined(axis: Axis): Axis {
  const out: Factor[] = []
  for (const f of axis) {
    const last = out.at(-1)
    const follows =
      f.kind === 'place' &&
      last?.kind === 'place' &&
      f.along === last.along &&
      f.whole === last.whole &&
      typeof f.size === 'number' &&
      last.step === f.step * f.size
    if (follows && typeof last.size === 'number' && typeof f.size === 'number')
      out.splice(-1, 1, { ...f, size: last.size * f.size })
    else if (f.kind === 'other' && last?.kind === 'other') out.splice(-1, 1, { ...f, size: product([last, f]) })
    else out.push(f)
  }
  return out
}

/** What several inputs say of one axis: where they differ, places that one of them alone has, else nothing. */
export function agreed(axes: readonly (Axis | undefined)[], size: Dim | undefined): Axis {
  const said = axes.filter((axis): axis is Axis => axis !== undefined && axis.length > 0)
  const telling = [said.filter(holdsPlaces), said.filter((a) => a.some((f) => f.kind === 'batch'))].find(
    (l) => l.length,
  )
  const [first] = telling ?? []
  if (!first || !telling) return other(size)
  return telling.every((axis) => keyOf(joined(axis)) === keyOf(joined(first))) ? first : other(size)
}
