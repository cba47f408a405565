/** Draws maps on pictures at the size they are shown, and keeps what is drawn again when only a slider moves. */
import {
  COLORMAPS,
  type Drawn,
  drawExplained,
  flatten,
  type Picture,
  type PictureMaps,
  resize,
  type Size,
} from 'onnxplain/web'
import type { Look, PartialExplanation, Subject } from './studio.js'

export class Drawing {
  readonly #pictures = new WeakMap<Subject, Map<string, Picture>>()
  readonly #maps = new WeakMap<object, Map<string, PictureMaps>>()

  /** The size at which a picture is shown in a box of pixels: never larger than itself. */
  sizeIn(subject: Subject, box: Size): Size {
    const { width, height } = subject.picture
    const scale = Math.min(1, box.width / width, box.height / height)
    return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
  }

  /** The picture at a size. */
  picture(subject: Subject, { width, height }: Size): Picture {
    const { picture } = subject
    if (width === picture.width && height === picture.height) return picture
    return remembered(this.#pictures, subject, `${width}x${height}`, () =>
      resize(flatten(picture), width, height, 'bilinear'),
    )
  }

  /** The map on the picture at a size, and its colour bar. */
  draw(subject: Subject, explanation: PartialExplanation, size: Size, look: Partial<Look>): Drawn {
    const at: PartialExplanation['at'] = (wanted, channels) => this.maps(explanation, wanted, channels)
    return drawExplained(this.picture(subject, size), { ...explanation, at }, possible(look, explanation))
  }

  /** The map's values at a size. */
  maps(
    explanation: Pick<PartialExplanation, 'at'>,
    size: Size,
    channels?: Parameters<PartialExplanation['at']>[1],
  ): PictureMaps {
    const key = `${size.width}x${size.height} ${channels ?? ''}`
    return remembered(this.#maps, explanation, key, () => explanation.at(size, channels))
  }
}

/** A look that a map can have: a signed map needs colours with a middle, and is drawn in the usual ones where those chosen have none. */
export function possible(
  look: Partial<Look>,
  { method }: { readonly method: Pick<PartialExplanation['method'], 'display'> },
): Partial<Look> {
  const signed = look.signed ?? method.display === 'signed'
  const { colormap } = look
  return signed && colormap && COLORMAPS[colormap].kind !== 'diverging' ? { ...look, colormap: undefined } : look
}

/** Sizes that are kept of each picture and map. */
const KEPT = 3

function remembered<K extends object, V>(all: WeakMap<K, Map<string, V>>, of: K, key: string, make: () => V): V {
  const known = all.get(of) ?? new Map<string, V>()
  all.set(of, known)
  const value = known.get(key) ?? make()
  known.delete(key)
  known.set(key, value)
  const [oldest] = known.keys()
  if (known.size > KEPT && oldest !== undefined) known.delete(oldest)
  return value
}
