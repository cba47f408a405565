/** The levels of a pyramid: the feature maps of several sizes that a detector's head reads. */
import type { Node } from '../onnx/ir.js'
import { sorted } from '../passes/prune.js'
import { handsOnTo } from '../vjp/walk.js'
import { mapAt, type Network, ownLayer } from './layers.js'
import type { Layer } from './layout/view.js'

/** Operators with weights: a map behind the last of them holds scores or boxes, no features. */
const WEIGHTED: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])

/**
 * The levels that scores are read from, the finest first: P3 to P7 of a feature pyramid, SSD's six maps, what regions are cut out of in Faster R-CNN. Each is the last map of its
 * size that layers with weights still follow and boxes (`also`) are computed from too: what heads read, and not what lies inside one of them. One for a network
 * with one grid; none where scores are not read from maps.
 */
export function pyramidLayers(
  network: Network,
  scores: readonly string[],
  also: readonly string[] = [],
): readonly Layer[] {
  const order = new Map(sorted(network.graph).flatMap((node, i) => node.outputs.map((o) => [o, i] as const)))
  const at = (value: string): number => order.get(value) ?? -1
  const boxes = ancestors(network, also)
  const levels = new Map<string, ReadonlyMap<string, boolean>>()
  for (const [end, weighted] of frontier(network, scores)) {
    const before = sameSize(network, end, weighted)
    const possible = [...before].flatMap(([v, behind]) => (behind && (also.length === 0 || boxes.has(v)) ? [v] : []))
    const [first, ...more] = possible
    if (first === undefined) continue
    const last = more.reduce((a, v) => (at(v) > at(a) ? v : a), first)
    levels.set(last, before)
  }
  // of two on one way the first: the other lies inside a head
  const inside = ([level, before]: readonly [string, ReadonlyMap<string, boolean>]): boolean =>
    [...levels.keys()].some((other) => other !== level && before.has(other) && at(other) < at(level))
  const found = [...levels].flatMap((level) => (inside(level) ? [] : (ownLayer(network, level[0]) ?? [])))
  return found.sort((a, b) => places(b) - places(a) || at(a.value) - at(b.value))
}

function places({ form }: Layer): number {
  return form.sizes.reduce<number>((n, size) => n * (typeof size === 'number' ? size : 1), 1)
}

/** The first maps on the way back from the scores, each with whether layers with weights lie behind it. */
function frontier(network: Network, scores: readonly string[]): ReadonlyMap<string, boolean> {
  const ends = new Map<string, boolean>()
  const seen = new Set<string>()
  const queue = scores.map((value): readonly [string, boolean] => [value, false])
  for (let next = queue.pop(); next; next = queue.pop()) {
    const [value, weighted] = next
    const key = `${weighted} ${value}`
    const node = network.graph.producer(value)
    if (seen.has(key) || !node) continue
    seen.add(key)
    if (mapAt(network, value)) ends.set(value, (ends.get(value) ?? true) && weighted)
    else queue.push(...back(network, node).map((x) => [x, weighted || isWeighted(node)] as const))
  }
  return ends
}

/** The maps of one size that a map is computed from, itself included, each with whether layers with weights lie behind it on every way. */
function sameSize(network: Network, end: string, weighted: boolean): Map<string, boolean> {
  const size = sizeOf(network, end)
  const found = new Map([[end, weighted]])
  const queue = [end]
  for (let value = queue.shift(); value !== undefined; value = queue.shift()) {
    const node = network.graph.producer(value)
    if (!node) continue
    const behind = (found.get(value) ?? false) || isWeighted(node)
    for (const x of back(network, node)) {
      if (x === network.picture.name || sizeOf(network, x) !== size) continue
      const known = found.get(x)
      if (known === (known !== undefined && known && behind)) continue
      found.set(x, (known ?? true) && behind)
      queue.push(x)
    }
  }
  return found
}

/** All that values are computed from. */
function ancestors(network: Network, values: readonly string[]): ReadonlySet<string> {
  const found = new Set(values)
  const queue = [...values]
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    const node = network.graph.producer(value)
    for (const x of node ? back(network, node) : []) if (!found.has(x) && found.add(x)) queue.push(x)
  }
  return found
}

/** What a node computes numbers from: not the indices by which it picks them. */
function back({ shapes }: Network, node: Node): readonly string[] {
  return [...handsOnTo(node)].filter((x) => shapes.get(x)?.type?.includes('float') ?? true)
}

function isWeighted(node: Node): boolean {
  return node.domain === '' && WEIGHTED.has(node.op)
}

/** The grid of a map, as text; '' for what is none. */
function sizeOf(network: Network, value: string): string {
  return mapAt(network, value)?.form.sizes.join('x') ?? ''
}
