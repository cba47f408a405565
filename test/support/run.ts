/** Running graphs and model files in tests. */
import type { ModelFile, OptimizationLevel } from '../../src/core/runtime.js'
import type { Tensor } from '../../src/core/tensor.js'
import { encode } from '../../src/onnx/encode.js'
import { Graph } from '../../src/onnx/ir.js'
import { runtime } from './ort.js'

type Feeds = Readonly<Record<string, Tensor>>

/** One run of a graph, of its bytes, or of a skeleton. */
export async function run(
  model: Graph | Uint8Array | ModelFile,
  feeds: Feeds,
  optimization: OptimizationLevel = 'all',
): Promise<Record<string, Tensor>> {
  const file = fileOf(model)
  const session = await runtime.createSession(file, { optimization })
  try {
    return await session.run(feeds)
  } finally {
    await session.release()
  }
}

function fileOf(model: Graph | Uint8Array | ModelFile): ModelFile {
  if (model instanceof Graph) return { bytes: encode(model), externalData: new Map() }
  return model instanceof Uint8Array ? { bytes: model, externalData: new Map() } : model
}

/** The numbers of a tensor; throws where it is missing, so that no test passes on nothing. */
export function numbers(t: Tensor | undefined): number[] {
  if (!t) throw new Error('there is no such output')
  return Array.from(t.data as Iterable<number | bigint>, Number)
}
