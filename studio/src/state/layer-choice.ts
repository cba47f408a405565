/** Which layers stand for a network: a few of each resolution, first to last. */

interface Placed {
  readonly name: string
  readonly grid: readonly (number | string | null | undefined)[]
  readonly default: boolean
}

/**
 * Up to `most` layers in order. Layers of one resolution that follow each other are a stage, and every stage gives as many, spread evenly, its last
 * always; of more stages than `most` some. The default layer is always among them.
 */
export function representative<L extends Placed>(layers: readonly L[], most: number): readonly L[] {
  const stages = spread(stagesOf(layers), most)
  const each = Math.max(1, Math.floor(most / Math.max(1, stages.length)))
  const taken = new Set(stages.flatMap((stage) => spread(stage, each)))
  const usual = layers.find((l) => l.default)
  if (usual && !taken.has(usual)) {
    const [nearest] = stages.filter((s) => s.includes(usual)).map((s) => s.find((l) => taken.has(l)))
    if (taken.size >= most && nearest) taken.delete(nearest)
    taken.add(usual)
  }
  return layers.filter((l) => taken.has(l))
}

function stagesOf<L extends Placed>(layers: readonly L[]): readonly (readonly L[])[] {
  const stages: L[][] = []
  for (const layer of layers) {
    const last = stages.at(-1)
    if (last?.[0]?.grid.join() === layer.grid.join()) last.push(layer)
    else stages.push([layer])
  }
  return stages
}

/** `count` items of a list, evenly, the last always. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items
  return Array.from(
    { length: count },
    (_, i) => items[Math.ceil(((i + 1) * items.length) / count) - 1] ?? items[0],
  ).filter((item) => item !== undefined)
}
