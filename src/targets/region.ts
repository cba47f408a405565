import { ExplainError } from '../core/errors.js'
import type { Tensor } from '../core/tensor.js'
import { asSeed, hotRows, scored, scoreForm, scoreOf } from './class-scores.js'
import { checkedIndex, classIndex, labelOf, printedClass } from './labels.js'
import { maskPlaces, type RegionMask, regionMask } from './region-mask.js'
import {
  BEST,
  defineTarget,
  float32Row,
  int64Row,
  numbersOf,
  type Score,
  type Settling,
  scoreNamed,
  wholeNumber,
} from './target.js'

/** Where a class is explained, as it is asked for: edges and points in pixels of the picture. */
export type RegionPlace =
  /** Where the model itself sees the class. */
  | 'predicted'
  | { readonly x: number; readonly y: number }
  | { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number }

/** A class of a segmentation within a region: the sum of its scores there. `index` -1 is the class that covers most. */
export interface RegionTarget {
  readonly kind: 'region'
  readonly index: number
  readonly score: Score
  readonly at: RegionPlace
  /** The region on the model's map; absent until the picture is there. */
  readonly mask?: RegionMask
}

const KIND = 'region'

export const regionTarget = defineTarget<RegionTarget>({
  kind: KIND,
  summary:
    'A class of a segmentation, where the model sees it, at a point, or within a box: the sum of its scores there.',
  syntax: 'region:CLASS | region:CLASS@X,Y | region:CLASS@X0,Y0,X1,Y1',
  example: { kind: KIND, index: 15, score: 'logit', at: 'predicted' },
  source: 'Vinogradova et al., Seg-Grad-CAM, AAAI 2020 (arXiv 2002.11434), equation 2',
  answers: ['map'],
  parse: (text, context) => {
    const cut = text.lastIndexOf('@')
    const name = cut < 0 ? text : text.slice(0, cut)
    const index = name.trim() === '' ? BEST : classIndex(name, context)
    return {
      kind: KIND,
      index,
      score: context.score ?? 'logit',
      at: cut < 0 ? 'predicted' : placeOf(text.slice(cut + 1)),
    }
  },
  check: ({ index, score, at, mask }, context) => ({
    kind: KIND,
    index: index === undefined ? BEST : checkedIndex(index, context),
    score: scoreNamed(score, KIND, context.score ?? 'logit'),
    at: checkedPlace(at),
    ...(mask === undefined ? {} : { mask: checkedMask(mask) }),
  }),
  print: ({ index, at }, { labels }) =>
    `${index === BEST ? '' : printedClass(index, labels)}${at === 'predicted' ? '' : `@${Object.values(at).join(',')}`}`,
  describe: ({ index, at }, { labels }) => {
    const label = index === BEST ? 'the largest region' : labelOf(index, labels)
    return at === 'predicted' ? label : `${label} at ${Object.values(at).join(', ')}`
  },
  classOf: ({ index }) => index,
  settle: async (target, host) => {
    if (target.mask && target.index !== BEST) return target
    const scores = await host.value(host.answer.logits)
    const index = target.index === BEST ? await atPlace(target.at, scores, host) : target.index
    return { ...target, index, mask: target.mask ?? maskOf(target.at, index, scores, host) }
  },
  form: ({ score }) => scoreForm(KIND, score),
  append: (form, context) => {
    const { b, end, answer } = context
    const rank = b.requireRank(end, 'a segmentation')
    const scores = scored(b, end, answer, scoreOf(form), 1)
    const target = context.input('target', 'int64', [], 'class index')
    const mask = context.input(
      'mask',
      'float32',
      answer.dims.slice(2),
      "weights of the places of the model's map, 1 inside the region",
    )
    const hot = b.op('Unsqueeze', [
      hotRows(b, target, answer.classes),
      b.int64s(Array.from({ length: rank - 2 }, (_, i) => i + 2)),
    ])
    return { scores, seed: asSeed(context, b.op('Mul', [hot, b.op('Unsqueeze', [mask, b.int64s([1])])]), scores) }
  },
  rows: ({ index, mask }) => {
    if (!mask) throw new ExplainError('bad-option', { what: 'The region of this target is not known yet' })
    return { target: int64Row([], [index]), mask: float32Row([mask.height, mask.width], maskPlaces(mask)) }
  },
})

/** Class indices `[h,w]` of a map of scores `[1,C,h,w]`. */
export function classMap({ dims, data }: Tensor<'float32'>): {
  readonly width: number
  readonly height: number
  readonly classes: Int32Array
} {
  const [, count = 1, height = 1, width = 1] = dims
  const area = height * width
  const classes = new Int32Array(area)
  if (count === 1) for (let i = 0; i < area; i++) classes[i] = (data[i] ?? 0) > 0 ? 0 : -1
  else
    for (let c = 1; c < count; c++)
      for (let i = 0; i < area; i++)
        if ((data[c * area + i] ?? 0) > (data[(classes[i] ?? 0) * area + i] ?? 0)) classes[i] = c
  return { width, height, classes }
}

/** The class of a place: at a point its own; else the one that covers most, the first one (background, by custom) only where nothing else is. */
async function atPlace(at: RegionPlace, scores: Tensor<'float32'>, host: Settling): Promise<number> {
  const { classes, width, height } = classMap(scores)
  if (at !== 'predicted' && 'x' in at) return Math.max(0, classes[pointOf(at, width, height, host)] ?? 0)
  const inside = at === 'predicted' ? undefined : boxMask(at, width, height, host)
  const counts = new Map<number, number>()
  for (const [i, c] of classes.entries()) if (c >= 0 && (!inside || inside[i])) counts.set(c, (counts.get(c) ?? 0) + 1)
  const ordered = [...counts].sort((a, b) => b[1] - a[1]).map(([c]) => c)
  return ordered.find((c) => c !== 0) ?? ordered[0] ?? 0
}

/** The places that are explained. Throws `method-not-applicable` where there are none. */
function maskOf(at: RegionPlace, index: number, scores: Tensor<'float32'>, host: Settling): RegionMask {
  const { classes, width, height } = classMap(scores)
  const mask =
    at !== 'predicted' && !('x' in at)
      ? boxMask(at, width, height, host)
      : at === 'predicted'
        ? Uint8Array.from(classes, (c) => (c === index ? 1 : 0))
        : onePlace(pointOf(at, width, height, host), width * height)
  if (mask.includes(1)) return regionMask(mask, width, height)
  throw new ExplainError('method-not-applicable', {
    what: `The model sees no ${labelOf(index, host.labels)} in this picture`,
    where: 'target of kind region',
    remedy: 'Name another class, or a place: region:CLASS@X,Y in pixels of the picture.',
  })
}

function onePlace(place: number, size: number): Uint8Array {
  const mask = new Uint8Array(size)
  mask[place] = 1
  return mask
}

function pointOf(
  { x, y }: { readonly x: number; readonly y: number },
  width: number,
  height: number,
  host: Settling,
): number {
  const at = host.place(x, y)
  if (at.x < 0 || at.y < 0 || at.x > 1 || at.y > 1)
    throw new ExplainError('bad-option', {
      what: `The point ${x}, ${y} is not on the part of the picture that the network sees`,
      where: 'target of kind region',
    })
  return Math.min(height - 1, Math.floor(at.y * height)) * width + Math.min(width - 1, Math.floor(at.x * width))
}

function boxMask(
  { x0, y0, x1, y1 }: { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number },
  width: number,
  height: number,
  host: Settling,
): Uint8Array {
  const [from, to] = [host.place(x0, y0), host.place(x1, y1)]
  const mask = new Uint8Array(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [cx, cy] = [(x + 0.5) / width, (y + 0.5) / height]
      if (cx >= from.x && cx <= to.x && cy >= from.y && cy <= to.y) mask[y * width + x] = 1
    }
  return mask
}

/** `X,Y` or `X0,Y0,X1,Y1`. */
function placeOf(text: string): RegionPlace {
  const [a = Number.NaN, b = Number.NaN, c, d] = text.split(',').map(Number)
  return checkedPlace(c === undefined ? { x: a, y: b } : { x0: a, y0: b, x1: c, y1: d })
}

function checkedPlace(given: unknown): RegionPlace {
  if (given === undefined || given === 'predicted') return 'predicted'
  const part = (name: string): number | undefined => {
    const value = typeof given === 'object' && given !== null ? Reflect.get(given, name) : undefined
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined
  }
  const [x, y, x0, y0, x1, y1] = ['x', 'y', 'x0', 'y0', 'x1', 'y1'].map(part)
  if (x !== undefined && y !== undefined) return { x, y }
  if (x0 !== undefined && y0 !== undefined && x1 !== undefined && y1 !== undefined && x0 < x1 && y0 < y1)
    return { x0, y0, x1, y1 }
  throw new ExplainError('bad-option', {
    what: `${JSON.stringify(given)} is no place`,
    where: 'target of kind region',
    remedy:
      'Write region:CLASS, region:CLASS@X,Y or region:CLASS@X0,Y0,X1,Y1 (left, top, right, bottom), in pixels of the picture.',
  })
}

function checkedMask(given: unknown): RegionMask {
  const part = (name: string): unknown =>
    typeof given === 'object' && given !== null ? Reflect.get(given, name) : undefined
  const [height, width] = [
    wholeNumber(part('height'), 'mask.height', KIND, 1),
    wholeNumber(part('width'), 'mask.width', KIND, 1),
  ]
  const runs = numbersOf(part('runs'), 'mask.runs', KIND) ?? []
  if (runs.reduce((a, n) => a + n, 0) === height * width && runs.every((n) => Number.isInteger(n) && n >= 0))
    return { height, width, runs }
  throw new ExplainError('bad-option', {
    what: `mask.runs do not sum to ${height} x ${width} places`,
    where: 'target of kind region',
  })
}
