/** What figures and charts are written with. */
import type { Font, TextPlace } from './font.js'
import type { SceneItem } from './scene.js'
import { ASCENT } from './text.js'

export const INK = '#18181b'
export const MUTED = '#5f5f68'
export const HAIRLINE = '#d4d4d8'

/** Adds a line of text, whose capitals begin at `top`; nothing where it draws nothing. */
export function drawText(
  items: SceneItem[],
  font: Font,
  text: string,
  { top, fill, ...place }: Omit<TextPlace, 'y'> & { readonly top: number; readonly fill: string },
): void {
  const d = font.textPath(text, { ...place, y: top + ASCENT * place.sizePx })
  if (d) items.push({ kind: 'path', d, fill, text })
}
