/**
 * A model and explanation methods to one graph that answers and draws its maps in a single run. Pure: no runtime; shapes come
 * in as data (see passes/probe.ts).
 */
import type { ValueInfoProto } from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import { findMethod } from '../methods/index.js'
import type { CompiledMethod } from '../methods/method.js'
import { declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import { ownBorders } from '../passes/borders.js'
import { prune } from '../passes/prune.js'
import { finish, mapDims, metadata } from './finish.js'
import { mapBuilder, scoreOutput, takesAnyInput } from './map-builder.js'
import { refuseUnknown } from './options.js'
import type { CompileOptions, Plan, PlannedMap, RefusedMap } from './plan.js'
import { attempt, layerNotes, type Stage, type StagedLayer, stageOf, tokenGrid } from './stage.js'

/**
 * Compiles methods into the model. Throws `unknown-method`, `unknown-layer`, `method-not-applicable`, `unsupported-operator`,
 * `unsupported-opset`, `no-image-input`, `unknown-value` for an input that is not there, `bad-option`.
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
  const given = options.options ?? {}
  refuseUnknown(methods, given)
  const stage = stageOf(model, options, methods)
  const { b, input, others, layers } = stage
  const build = mapBuilder(stage, given)
  const isAll = [options.wrt ?? []].flat().includes('all')
  const asked = methods.flatMap((method) =>
    stage.wrt
      .filter((at) => !isAll || at === input.name || takesAnyInput(method))
      .flatMap((at) => layersOf(stage, method, at).map((layer) => ({ method, at, layer }))),
  )
  const refused: RefusedMap[] = []
  const planned = asked.flatMap(({ method, at, layer }): { map: PlannedMap; output: ValueInfoProto }[] => {
    const result = attempt(asked.length, () => build(method, { at, layer: layer?.found }))
    if (result instanceof ExplainError) {
      refused.push({ method, layer: layer?.name, error: result })
      return []
    }
    const finished = b.scope(`onnxplain/${method.id}`, () => finish(stage, result.value, method, at, options))
    const found = layer?.found instanceof ExplainError ? undefined : layer?.found
    const name = [
      'heatmap',
      ...(methods.length > 1 ? [method.id] : []),
      ...(found && layers.length > 1 ? [found.value] : []),
      ...(at === input.name ? [] : [at]),
    ].join('/')
    const map = {
      method,
      output: b.alias(finished, b.fresh(name)),
      input: at,
      layer: found?.value,
      tokens: found && tokenGrid(found, options),
      notes: [...result.notes, ...(found ? layerNotes(stage, found, layer?.name) : [])],
    }
    return [{ map, output: declare(map.output, 'float32', mapDims(stage, map, found, options)) }]
  })
  const maps = planned.map((m) => m.map)
  const { answer, form, batched, target } = stage
  const score = scoreOutput(stage, options)
  const outputs = [...planned.map((m) => m.output), ...(score === undefined ? [] : [declare(score, 'float32')])]
  const graph = b
    .finish({ outputs: [...stage.source.outputs, ...outputs] })
    .with({ metadata: metadata(maps, form, target.inputs, options) })
  const sharesForward = batched && stage.inputs.size === 0
  return {
    graph: ownBorders(prune(graph), model),
    targetInputs: target.inputs,
    score,
    maps,
    refused,
    input,
    others,
    answer,
    form,
    batched,
    sharesForward,
  }
}

/** The layers that a method's map of an input is taken at: itself undefined for methods that want none. */
function layersOf({ layers, input }: Stage, method: CompiledMethod, at: string): readonly (StagedLayer | undefined)[] {
  return method.atLayer && at === input.name ? layers : [undefined]
}

function compiledMethod(id: string): CompiledMethod {
  const method = findMethod(id)
  if (method.kind === 'compiled') return method
  throw new ExplainError('method-not-applicable', {
    what: `${method.id} is a loop around runs of the network and cannot be compiled into a model`,
    remedy: 'Compile grad-cam or another method of one run; "onnxplain methods" lists them.',
  })
}
