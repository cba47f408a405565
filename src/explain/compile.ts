/**
 * A model and explanation methods to one graph that answers and draws its maps in a single run. Pure: no runtime; shapes come
 * in as data (see passes/probe.ts).
 */
import { ExplainError } from '../core/errors.js'
import { findMethod } from '../methods/index.js'
import type { CompiledMethod } from '../methods/method.js'
import { declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { ownBorders } from '../passes/borders.js'
import { prune } from '../passes/prune.js'
import { finish, mapDims, metadata } from './finish.js'
import { mapBuilder, takesAnyInput } from './map-builder.js'
import type { CompileOptions, Plan, PlannedMap } from './plan.js'
import { attempt, foundLayer, layerNotes, stageOf, tokenGrid } from './stage.js'

/**
 * Compiles methods into the model. Throws `unknown-method`, `unknown-layer`, `method-not-applicable`, `unsupported-operator`,
 * `unsupported-opset`, `no-image-input`, `unknown-value` for an input that is not there.
 *
 * @example
 * ```ts
 * const graph = decode(bytes)
 * const plan = compile(graph, { method: 'grad-cam', shapes: await probe(graph, runtime) })
 * await writeFile('model.grad-cam.onnx', encode(plan.graph))
 * ```
 */
export function compile(model: Graph, options: CompileOptions = {}): Plan {
  const methods = [options.method ?? 'grad-cam'].flat().map(compiledMethod)
  const stage = stageOf(model, options, methods)
  const { b, input, others } = stage
  const build = mapBuilder(stage)
  const isAll = [options.wrt ?? []].flat().includes('all')
  const asked = methods.flatMap((method) =>
    stage.wrt.filter((at) => !isAll || at === input.name || takesAnyInput(method)).map((at) => ({ method, at })),
  )
  const refused: { method: CompiledMethod; error: ExplainError }[] = []
  const maps = asked.flatMap(({ method, at }): PlannedMap[] => {
    const result = attempt(asked.length, () => build(method, at))
    if (result instanceof ExplainError) {
      refused.push({ method, error: result })
      return []
    }
    const finished = b.scope(`onnxplain/${method.id}`, () => finish(stage, result.value, method, at, options))
    const name = ['heatmap', ...(methods.length > 1 ? [method.id] : []), ...(at === input.name ? [] : [at])].join('/')
    const output = b.alias(finished, b.fresh(name))
    const layer = method.atLayer ? foundLayer(stage) : undefined
    const notes = [...result.notes, ...(layer ? layerNotes(stage, layer, options) : [])]
    return [{ method, output, input: at, layer: layer?.value, tokens: layer && tokenGrid(layer, options), notes }]
  })
  const outputs = maps.map((m) => declare(m.output, 'float32', mapDims(stage, m, options)))
  const graph = b
    .finish({ outputs: [...stage.source.outputs, ...outputs] })
    .with({ metadata: metadata(maps, stage.score, stage.target.input, options) })
  const { answer, score, batched, target } = stage
  const sharesForward = batched && stage.inputs.size === 0
  return {
    graph: ownBorders(prune(graph), model),
    target: target.input,
    maps,
    refused,
    input,
    others,
    answer,
    score,
    batched,
    sharesForward,
  }
}

function compiledMethod(id: string): CompiledMethod {
  const method = findMethod(id)
  if (method.kind === 'compiled') return method
  throw new ExplainError('method-not-applicable', {
    what: `${method.id} is a loop around runs of the network and cannot be compiled into a model`,
    remedy: 'Compile grad-cam or another method of one run; "onnxplain methods" lists them.',
  })
}
