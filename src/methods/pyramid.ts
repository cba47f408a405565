/** The levels of a pyramid: the feature maps of several sizes that a detector's head reads. */
import type { Node } from '../onnx/ir.js'
import { sorted } from '../passes/prune.js'
import { handsOnTo } from '../vjp/walk.js'
import { mapAt, type Network, ownLayer } from './layers.js'
import type { Layer } from './layout/view.js'

/** Operators with weights: a map behind the last of them holds scores or boxes, no features. */
const WEIGHTED: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])

/**
 * The levels that scores are read from, the finest first: of each size the last map from which all that is read at that size is computed, scores and boxes (`also`) alike, and
 * which layers with weights still follow. So it is P3 to P7 of a feature pyramid, SSD's six maps, what regions are cut out of in Faster R-CNN. One for a network with
 * one grid; none where scores are not read from maps.
 */
export function pyramidLayers(
  network: Network,
  scores: readonly string[],
  also: readonly string[] = [],
): readonly Layer[] {
  const { graph } = network
  const order = new Map(sorted(graph).flatMap((node, i) => node.outputs.map((o) => [o, i] as const)))
  const levels = new Map<string, Map<string, boolean>[]>()
  for (const [value, weighted] of frontier(network, scores)) {
    const size = sizeOf(network, value)
    levels.set(size, [...(levels.get(size) ?? []), sameSize(network, value, weighted, size)])
  }
  const boxes = ancestors(network, also)
  const found = [...levels.values()].flatMap((ends) => {
    const [first] = ends
    const shared = [...(first?.keys() ?? [])].filter(
      (v) => ends.every((e) => e.get(v) === true) && (also.length === 0 || boxes.has(v)),
    )
    const last = shared.reduce<string | undefined>((a, v) => (a && at(order, a) >= at(order, v) ? a : v), undefined)
    const layer = last === undefined ? undefined : ownLayer(network, last)
    return layer ? [layer] : []
  })
  const area = ({ form }: Layer): number => form.sizes.reduce<number>((n, s) => n * (typeof s === 'number' ? s : 1), 1)
  return found.sort((a, b) => area(b) - area(a) || at(order, a.value) - at(order, b.value))
}

function at(order: ReadonlyMap<string, number>, value: string): number {
  return order.get(value) ?? -1
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
    else queue.push(...back(node).map((x) => [x, weighted || isWeighted(node)] as const))
  }
  return ends
}

/** The maps of one size that a map is computed from, itself included, each with whether layers with weights lie behind it on every way. */
function sameSize(network: Network, end: string, weighted: boolean, size: string): Map<string, boolean> {
  const found = new Map([[end, weighted]])
  const queue = [end]
  for (let value = queue.shift(); value !== undefined; value = queue.shift()) {
    const node = network.graph.producer(value)
    if (!node) continue
    const behind = (found.get(value) ?? false) || isWeighted(node)
    for (const x of back(node)) {
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
function ancestors({ graph }: Network, values: readonly string[]): ReadonlySet<string> {
  const found = new Set(values)
  const queue = [...values]
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    const node = graph.producer(value)
    for (const x of node ? back(node) : []) if (!found.has(x) && found.add(x)) queue.push(x)
  }
  return found
}

function back(node: Node): readonly string[] {
  return [...handsOnTo(node)]
}

function isWeighted(node: Node): boolean {
  return node.domain === '' && WEIGHTED.has(node.op)
}

/** The grid of a map, as text; '' for what is none. */
function sizeOf(network: Network, value: string): string {
  return mapAt(network, value)?.form.sizes.join('x') ?? ''
}
