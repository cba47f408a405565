/** The fonts of figures: Inter, with the extended Latin letters to fall back on. Loaded, with what reads fonts, when a figure is first drawn. */
import { ExplainError } from '../core/errors.js'
import { type FigureFonts, parseFont } from '../render/index.js'

/** Fetches and reads the fonts. Rejects with `cannot-read`. */
export async function readFonts(): Promise<FigureFonts> {
  // bundlers see these addresses, and copy the files
  const [regular, regularMore, bold, boldMore] = await Promise.all(
    [
      new URL('@fontsource/inter/files/inter-latin-400-normal.woff', import.meta.url),
      new URL('@fontsource/inter/files/inter-latin-ext-400-normal.woff', import.meta.url),
      new URL('@fontsource/inter/files/inter-latin-600-normal.woff', import.meta.url),
      new URL('@fontsource/inter/files/inter-latin-ext-600-normal.woff', import.meta.url),
    ].map(fontBytes),
  )
  const none = new Uint8Array()
  return {
    regular: parseFont(regular ?? none, regularMore ?? none),
    bold: parseFont(bold ?? none, boldMore ?? none),
  }
}

async function fontBytes(url: URL): Promise<Uint8Array> {
  const response = await fetch(url).catch(() => undefined)
  if (response?.ok) return new Uint8Array(await response.arrayBuffer())
  throw new ExplainError('cannot-read', {
    what: `The font "${url.href}" of the figures cannot be read`,
    remedy: 'Serve the package @fontsource/inter beside onnxplain, as docs/web.md says.',
  })
}
