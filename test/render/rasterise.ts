import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import sharp from 'sharp'
import { type FigureFonts, parseFont, type Scene, type SceneImage, sceneToSvg } from '../../src/render/index.js'

/** A scene as PNG: the background, then the pictures on their boxes, then the vector layer. */
export async function rasterise(scene: Scene): Promise<Buffer> {
  const pictures = scene.items.filter((item): item is SceneImage => item.kind === 'image')
  const layers = await Promise.all(
    pictures.map(async ({ x, y, width, height, pixels }) => ({
      input: await sharp(pixels.data, { raw: { width: pixels.width, height: pixels.height, channels: 4 } })
        .resize(width, height, { fit: 'fill', kernel: 'lanczos3' })
        .png({ compressionLevel: 1 })
        .toBuffer(),
      left: x,
      top: y,
    })),
  )
  const vector = { input: Buffer.from(sceneToSvg(scene)), left: 0, top: 0 }
  const { width, height, background } = scene
  return sharp({ create: { width, height, channels: 4, background } })
    .composite([...layers, vector])
    .flatten({ background })
    .png()
    .toBuffer()
}

/** Inter, with the extended Latin letters to fall back on. */
export function interFonts(): FigureFonts {
  const { resolve } = createRequire(import.meta.url)
  const file = (set: string, weight: number) =>
    readFileSync(resolve(`@fontsource/inter/files/inter-${set}-${weight}-normal.woff`))
  return {
    regular: parseFont(file('latin', 400), file('latin-ext', 400)),
    bold: parseFont(file('latin', 600), file('latin-ext', 600)),
  }
}
