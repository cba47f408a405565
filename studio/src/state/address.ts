/** The view in the address, behind `#`, so that it can be shared; the picture itself never is. */
import { effect } from '@preact/signals'
import { COLORMAP_NAMES, type ColormapName, FITS } from 'onnxplain/web'
import type { Opening } from './opening.js'
import { problemOf } from './problem.js'
import { BOXES_FROM, DEFAULT_COLUMNS, DEFAULT_METHOD, HALF, PLAIN_LOOK, type Studio, type Tab } from './studio.js'

const TABS: readonly Tab[] = ['explain', 'compare', 'live']

export class Address {
  readonly #studio: Studio
  readonly #opening: Opening
  /** True while the address is being read, and before: it is not written until it was. */
  #reading = true
  #example = ''

  constructor(studio: Studio, opening: Opening) {
    this.#studio = studio
    this.#opening = opening
  }

  /** Opens what the address says: the shipped model and `example` where it says nothing. */
  async read(example: string): Promise<void> {
    this.#example = example
    const given = new URLSearchParams(location.hash.slice(1))
    this.#reading = true
    this.#settle(given)
    const url = sameOrigin(given.get('model'))
    const name = url?.pathname.split('/').at(-1) || 'The model'
    const model = url
      ? this.#opening.model(url, decodeURIComponent(name), { url: given.get('model') ?? undefined, asked: true })
      : this.#opening.model(undefined, 'The shipped model')
    const picture = sameOrigin(given.get('image'))
    await Promise.all([
      model,
      picture
        ? this.#opening.picture(picture, picture.pathname.split('/').at(-1) ?? 'picture', { asked: true })
        : this.#opening.example(given.get('picture') ?? example, true),
    ])
    this.#reading = false
    if (given.get('model') && !url)
      this.#studio.problem.value = problemOf(
        'The model of this address could not be opened',
        new Error('It is of another site; the studio opens models of its own site, and files that are dropped on it.'),
      )
    this.#write()
  }

  /** Keeps the address true to the studio, and the studio to an address that is changed by hand. */
  follow(): () => void {
    const stop = effect(() => this.#write())
    const changed = (): void => {
      const given = new URLSearchParams(location.hash.slice(1))
      const model = given.get('model') ?? undefined
      if (model !== this.#studio.modelUrl.value) void this.read(this.#example)
      else {
        this.#settle(given)
        const example = given.get('picture')
        if (example && example !== this.#studio.subject.value?.example) void this.#opening.example(example, true)
      }
    }
    addEventListener('hashchange', changed)
    return () => {
      stop()
      removeEventListener('hashchange', changed)
    }
  }

  /** Everything but the model and the picture. */
  #settle(given: URLSearchParams): void {
    const s = this.#studio
    const list = (name: string): readonly string[] => given.get(name)?.split(',').filter(Boolean) ?? []
    s.tab.value = TABS.find((t) => t === given.get('view')) ?? 'explain'
    s.target.value = whole(given.get('class')) ?? given.get('target') ?? undefined
    s.question.value = given.get('question') ?? ''
    s.ownCaption.value = given.get('caption') ?? undefined
    s.boxesFrom.value = share(given.get('boxes')) ?? BOXES_FROM
    s.compared.value = list('classes').flatMap((c) => whole(c) ?? [])
    s.columns.value = given.has('methods') ? list('methods') : DEFAULT_COLUMNS
    s.method.value = given.get('method') ?? DEFAULT_METHOD
    s.layer.value = given.get('layer') ?? undefined
    const options = list('options').map((o) => o.split(':'))
    s.options.value = Object.fromEntries(options.flatMap(([k, v]) => (k && v ? [[k, v]] : [])))
    const colormap = COLORMAP_NAMES.find((c) => c === given.get('colours')) as ColormapName | undefined
    s.look.value = {
      opacity: share(given.get('opacity')),
      colormap,
      threshold: share(given.get('from')) ?? PLAIN_LOOK.threshold,
      signed: given.get('signs') === 'both' ? true : given.get('signs') === 'positive' ? false : undefined,
    }
    const wipe = share(given.get('wipe'))
    s.wipe.value = wipe ?? HALF
    s.arrangement.value = wipe !== undefined ? 'wipe' : given.get('show') === 'beside' ? 'beside' : 'overlay'
    const numbers = (name: string): readonly number[] | undefined => {
      const values = list(name).map(Number)
      return values.length > 0 && values.every(Number.isFinite) ? values : undefined
    }
    const [height, width = height] = (given.get('size') ?? '').split('x').flatMap((v) => whole(v) ?? [])
    s.preprocessing.value = {
      mean: numbers('mean'),
      std: numbers('std'),
      fit: FITS.find((f) => f === given.get('fit')),
      channels: (['RGB', 'BGR'] as const).find((c) => c === given.get('channels')),
      size: height && width ? { height, width } : undefined,
    }
  }

  #write(): void {
    const s = this.#studio
    const { opacity, colormap, threshold, signed } = s.look.value
    const { mean, std, fit, channels, size } = s.preprocessing.value
    const edge = typeof size === 'number' ? `${size}` : size && `${size.height}x${size.width}`
    const columns = s.columns.value
    const options = Object.entries(s.options.value).map(([k, v]) => `${k}:${v}`)
    const entries: readonly (readonly [string, string | number | undefined])[] = [
      ['model', s.modelUrl.value],
      ['picture', s.subject.value?.example === this.#example ? undefined : s.subject.value?.example],
      ['view', s.tab.value === 'explain' ? undefined : s.tab.value],
      [typeof s.target.value === 'number' ? 'class' : 'target', s.target.value],
      ['question', s.question.value || undefined],
      ['caption', s.ownCaption.value],
      ['boxes', s.boxesFrom.value === BOXES_FROM ? undefined : s.boxesFrom.value],
      ['classes', s.compared.value.join() || undefined],
      ['methods', columns.join() === DEFAULT_COLUMNS.join() ? undefined : columns.join()],
      ['method', s.method.value === DEFAULT_METHOD ? undefined : s.method.value],
      ['layer', s.layer.value],
      ['options', options.join() || undefined],
      ['opacity', opacity],
      ['colours', colormap],
      ['from', threshold || undefined],
      ['signs', signed === undefined ? undefined : signed ? 'both' : 'positive'],
      ['wipe', s.arrangement.value === 'wipe' ? rounded(s.wipe.value) : undefined],
      ['show', s.arrangement.value === 'beside' ? 'beside' : undefined],
      ['mean', mean?.join()],
      ['std', std?.join()],
      ['fit', fit],
      ['channels', channels],
      ['size', edge],
    ]
    if (this.#reading) return
    const text = new URLSearchParams(entries.flatMap(([k, v]) => (v === undefined ? [] : [[k, String(v)]]))).toString()
    const now = location.hash.slice(1)
    if (text !== now) history.replaceState(null, '', text === '' ? location.pathname + location.search : `#${text}`)
  }
}

/** An address of this origin; undefined for none, and for one of another. */
function sameOrigin(address: string | null): URL | undefined {
  if (!address) return undefined
  try {
    const url = new URL(address, document.baseURI)
    return url.origin === location.origin ? url : undefined
  } catch {
    return undefined
  }
}

function whole(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined
}

/** 0..1 */
function share(text: string | null): number | undefined {
  const value = text === null || text === '' ? Number.NaN : Number(text)
  return value >= 0 && value <= 1 ? value : undefined
}

/** To a thousandth, which no eye tells apart. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
