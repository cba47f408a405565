/** A model of pictures and words taken apart: what depends on the picture alone is computed once for all words. Pure. */
import { declare } from '../onnx/builder.js'
import { type Graph, reads } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { behind } from '../passes/behind.js'
import { dependents } from '../passes/dependents.js'
import { prune } from '../passes/prune.js'

export interface Halves {
  /** Outputs: the values in `carried` that it makes. Without nodes where words are read from the start. */
  readonly picture: Graph
  /** Reads `carried` and the words; its output is the scores. */
  readonly words: Graph
  /** Values that go over: float32, with a row for each picture. The picture's input is one of them where it is read beside the words. */
  readonly carried: readonly string[]
}

/**
 * Takes a lowered graph apart where what `scores` needs stops to depend on `words` (inputs). Values are cut that have the picture's batch as
 * their first axis, so that they can be repeated for several texts; what is made of them without it (a shape, say) is computed with the words.
 */
export function halvesOf(
  graph: Graph,
  shapes: Shapes,
  inputs: { readonly picture: string; readonly words: readonly string[] },
  scores: string,
): Halves {
  const ofWords = dependents(graph, inputs.words)
  const ofPicture = dependents(graph, [inputs.picture])
  const batch = shapes.get(inputs.picture)?.dims?.[0] ?? null
  const isRow = (value: string): boolean => {
    const { type, dims } = shapes.get(value) ?? {}
    return type === 'float32' && batch !== null && dims?.[0] === batch
  }
  const carried = new Set<string>()
  const seen = new Set<string>()
  const queue = [scores]
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (seen.has(value)) continue
    seen.add(value)
    const node = graph.producer(value)
    const isPictures = ofPicture.has(value) && !ofWords.has(value)
    if (isPictures && (isRow(value) || value === inputs.picture)) carried.add(value)
    else if (node) queue.push(...reads(node))
  }
  const made = [...carried].filter((value) => value !== inputs.picture)
  const outputs = made.map((value) => declare(value, 'float32'))
  const whole = behind(graph, made, shapes).with({ outputs: [declare(scores, 'float32')] })
  return {
    picture: prune(graph.with({ outputs }), { dropInputs: true }),
    words: prune(whole, { dropInputs: true }),
    carried: [...carried],
  }
}
