/** The raw maps of methods, written into the graph once each. */
import { ExplainError } from '../core/errors.js'
import { linearHead } from '../methods/head.js'
import { channelsFirstView, type Layer } from '../methods/layout/view.js'
import type { CompileContext, CompiledMethod, LayerMap } from '../methods/method.js'
import type { Builder } from '../onnx/builder.js'
import { protoType } from '../onnx/tensors.js'
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

/** What a map is made of besides the method. */
export interface MapPlace {
  /** The input that is explained. */
  readonly at: string
  /** The layer, or why there is none; undefined for methods that want none. */
  readonly layer: Layer | ExplainError | undefined
}

/** Builds the map of a method at an input and a layer, once; methods may ask for each other's. */
export function mapBuilder(stage: Stage): (method: CompiledMethod, place: MapPlace) => Built {
  const { network, input, target, b } = stage
  const head = linearHead(network)
  const gradients = new Gradients(stage)
  const layerMap = layerMaps(stage, gradients)
  const made = new Map<string, Built>()
  const build = (method: CompiledMethod, place: MapPlace): Built => {
    const { at } = place
    const layer = method.atLayer ? place.layer : undefined
    const key = JSON.stringify([method.id, at, layer instanceof ExplainError ? undefined : layer?.value])
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
        return gradients.of(value, override)
      },
      map: (other) => {
        const built = build(other, place)
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

/** Layers as methods see them; each view is made once. */
export function layerMaps({ b }: Stage, gradients: Gradients): (layer: Layer) => LayerMap {
  const views = new Map<string, string>()
  return (layer) => {
    const view = (of: string): string => {
      const known = views.get(of) ?? b.scope('onnxplain/layer', () => channelsFirstView(b, of, layer))
      views.set(of, known)
      return known
    }
    const gradient = (): string => view(gradients.of(layer.value))
    return { value: layer.value, features: view(layer.value), gradient }
  }
}

/** Gradients of the target's score, each made once; those of all layers by one walk. */
export class Gradients {
  readonly #stage: Stage
  readonly #made = new Map<string, string>()
  /** The layers whose gradients are still to be made together. */
  #layers: readonly string[]

  constructor(stage: Stage) {
    this.#stage = stage
    this.#layers = stage.layers.flatMap(({ found }) => (found instanceof ExplainError ? [] : found.value))
  }

  of(value: string, override?: Override): string {
    if (!override && this.#layers.length > 1 && this.#layers.includes(value)) this.#together()
    const key = keyOf(value, override)
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const { b, target } = this.#stage
    const [gradient = ''] = pullBack(b, { of: target.scores, seed: target.seed, wrt: [value], override })
    this.#made.set(key, gradient)
    return gradient
  }

  /** One walk for all layers. Where one of them has no gradient, each goes by itself, and that one alone fails. */
  #together(): void {
    const { b, target } = this.#stage
    const wrt = this.#layers
    this.#layers = []
    try {
      const pulled = pullBack(b, { of: target.scores, seed: target.seed, wrt })
      for (const [i, gradient] of pulled.entries()) this.#made.set(keyOf(wrt[i] ?? ''), gradient)
    } catch (error) {
      if (!(error instanceof ExplainError)) throw error
    }
  }
}

function keyOf(value: string, override?: Override): string {
  return `${override?.name ?? ''} ${value}`
}

/** Maps are float32, in float16 networks too; ORT drops a cast that does nothing. */
export function asFloat32(b: Builder, map: string): string {
  const wide = b.op('Cast', [map], { to: protoType('float32') })
  b.know(wide, 'float32', undefined)
  return wide
}
