/** The raw maps of methods, written into the graph once each. */
import { ExplainError } from '../core/errors.js'
import { linearHead } from '../methods/head.js'
import { channelsFirstView, type Layer } from '../methods/layout/view.js'
import type { CompileContext, CompiledMethod, LayerMap } from '../methods/method.js'
import type { Builder } from '../onnx/builder.js'
import { protoType } from '../onnx/tensors.js'
import type { AppendedTarget } from '../targets/append.js'
import type { Override } from '../vjp/rule.js'
import { nodesBetween, pullBack } from '../vjp/walk.js'
import { straightThrough } from './numbers.js'
import type { Stage } from './stage.js'

/** A method's raw map and the sentences it noted. */
interface Built {
  readonly value: string
  readonly notes: readonly string[]
}

/** True for gradients and their like, which are taken of any input. */
export function takesAnyInput(method: CompiledMethod): boolean {
  return method.space === 'input' && !method.atLayer
}

/** Builds the map of a method at an input, once; methods may ask for each other's. */
export function mapBuilder(stage: Stage): (method: CompiledMethod, at: string) => Built {
  const { network, input, layer, target, b } = stage
  const head = linearHead(network)
  const gradients = new Map<string, string>()
  const views = new Map<string, string>()
  const made = new Map<string, Built>()
  const layerMap = (at: Layer): LayerMap => {
    const view = (of: string): string => {
      const known = views.get(of) ?? b.scope('onnxplain/layer', () => channelsFirstView(b, of, at))
      views.set(of, known)
      return known
    }
    const gradient = (): string => view(gradientOf(b, gradients, target, at.value, undefined))
    return { value: at.value, features: view(at.value), gradient }
  }
  const build = (method: CompiledMethod, at: string): Built => {
    const key = `${method.id} ${at}`
    const known = made.get(key)
    if (known) return known
    if (at !== input.name && !takesAnyInput(method))
      throw new ExplainError('method-not-applicable', {
        what: `${method.id} explains at a layer, or at the picture: it has no map of the input "${at}"`,
        remedy: 'Explain other inputs by gradient or input-x-gradient.',
      })
    const notes: string[] = []
    const value = stage.inputs.get(at) ?? at
    const context: CompileContext = {
      b,
      input: value,
      layout: input.layout,
      head,
      chosen: target.chosen,
      path: () => nodesBetween(b, target.scores, [value]),
      layer: () => {
        if (layer && !(layer instanceof ExplainError)) return layerMap(layer)
        throw (
          layer ?? new ExplainError('method-not-applicable', { what: `${method.id} did not say that it needs a layer` })
        )
      },
      gradient: (value, override) => {
        const rounded = straightThrough(nodesBetween(b, target.scores, [value]))
        if (rounded !== undefined && !notes.includes(rounded)) notes.push(rounded)
        return gradientOf(b, gradients, target, value, override)
      },
      map: (other) => {
        const built = build(other, at)
        notes.push(...built.notes.filter((n) => !notes.includes(n)))
        return built.value
      },
      note: (text) => notes.push(text),
    }
    const map = b.scope(`onnxplain/${method.id}`, () => asFloat32(b, method.build(context)))
    const result = { value: map, notes }
    made.set(key, result)
    return result
  }
  return build
}

function gradientOf(
  b: Builder,
  cache: Map<string, string>,
  target: AppendedTarget,
  value: string,
  override: Override | undefined,
): string {
  const key = `${override?.name ?? ''} ${value}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const [gradient = ''] = pullBack(b, { of: target.scores, seed: target.seed, wrt: [value], override })
  cache.set(key, gradient)
  return gradient
}

/** Maps are float32, in float16 networks too; ORT drops a cast that does nothing. */
function asFloat32(b: Builder, map: string): string {
  const wide = b.op('Cast', [map], { to: protoType('float32') })
  b.know(wide, 'float32', undefined)
  return wide
}
