import type { Pixels } from './pixels.js'
import type { Scene, SceneItem } from './scene.js'

/**
 * Writes a scene as an SVG document.
 *
 * @param encodePng gives a picture as a data URI. With it the document is complete. Without it the background and the
 *   pictures are left out: what remains is the transparent vector layer (text and rectangles) for a host that draws the
 *   pictures itself, below it.
 */
export function sceneToSvg(scene: Scene, encodePng?: (pixels: Pixels) => string): string {
  const { width, height } = scene
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`
  const background = encodePng
    ? [`<rect width="${width}" height="${height}" fill="${escapeXml(scene.background)}"/>`]
    : []
  const items = scene.items.flatMap((item) => element(item, encodePng) ?? [])
  return `${[head, ...background, ...items, '</svg>'].join('\n')}\n`
}

function element(item: SceneItem, encodePng: ((pixels: Pixels) => string) | undefined): string | undefined {
  if (item.kind === 'path') {
    return `<path d="${item.d}" fill="${escapeXml(item.fill)}" role="img" aria-label="${escapeXml(item.text)}"/>`
  }
  if (item.kind === 'line') {
    const points = item.points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')
    return `<polyline points="${points}" fill="none" stroke="${escapeXml(item.stroke)}" stroke-width="${item.strokeWidth}" stroke-linejoin="round"/>`
  }
  const box = `x="${item.x}" y="${item.y}" width="${item.width}" height="${item.height}"`
  if (item.kind === 'rect') {
    const stroke = item.stroke ? ` stroke="${escapeXml(item.stroke)}" stroke-width="${item.strokeWidth ?? 1}"` : ''
    return `<rect ${box} fill="${escapeXml(item.fill)}"${stroke}/>`
  }
  if (!encodePng) return undefined
  return `<image ${box} preserveAspectRatio="none" href="${escapeXml(encodePng(item.pixels))}"/>`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

/** XML text of any string: markup escaped, and characters that XML 1.0 forbids replaced. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
