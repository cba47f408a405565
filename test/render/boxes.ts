import type { Scene, SceneItem } from '../../src/render/index.js'

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The box around all points of a path that has absolute M, L, Q and C commands only. */
export function pathBox(d: string): Box {
  const numbers = (d.match(/-?\d+(\.\d+)?/g) ?? []).map(Number)
  const xs = numbers.filter((_, i) => i % 2 === 0)
  const ys = numbers.filter((_, i) => i % 2 === 1)
  const [x, y] = [Math.min(...xs), Math.min(...ys)]
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y }
}

/** The boxes of what takes room: pictures, texts and panels, but not the hairlines around pictures. */
export function occupied(scene: Scene): { item: SceneItem; box: Box }[] {
  return scene.items
    .filter((item) => item.kind !== 'rect' || item.fill !== 'none')
    .flatMap((item) => (item.kind === 'line' ? [] : [{ item, box: item.kind === 'path' ? pathBox(item.d) : item }]))
}

export function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

export function contains(outer: Box, inner: Box): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  )
}
