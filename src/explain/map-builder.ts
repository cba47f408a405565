/** The raw maps of methods, written into the graph once each. */
import { ExplainError } from '../core/errors.js'
import { float32 } from '../core/tensor.js'
import { linearHead } from '../methods/head.js'
import { channelsFirstView, type Layer } from '../methods/layout/view.js'
import type { ClassContext, CompileContext, CompiledMethod, Differentiated, LayerMap } from '../methods/method.js'
import type { Builder } from '../onnx/builder.js'
import { protoType } from '../onnx/tensors.js'
import type { TargetForm } from '../targets/target.js'
import { nodesBetween } from '../vjp/walk.js'
import { fillValues } from './fill.js'
import { Gradients } from './gradients.js'
import { straightThrough } from './numbers.js'
import { type GivenOptions, resolveOptions } from './options.js'
import type { CompileOptions } from './plan.js'
import type { Stage } from './stage.js'

/** A method's raw map and the sentences it noted. */
interface Built {
  readonly value: string
  readonly notes: readonly string[]
}

/** True for gradients and their like, which are taken of any input, in its shape. */
export function takesAnyInput(method: CompiledMethod): boolean {
  return method.space === 'input' && method.channels !== undefined && !method.atLayer
}

/** What a map is made of besides the method. */
export interface MapPlace {
  /** The input that is explained. */
  readonly at: string
  /** The layer, or why there is none; undefined for methods that want none. */
  readonly layer: Layer | ExplainError | undefined
}

/** Builds the map of a method at an input and a layer, once; methods may ask for each other's. `given` are options of theirs. */
export function mapBuilder(stage: Stage, given: GivenOptions): (method: CompiledMethod, place: MapPlace) => Built {
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
    const value = stage.embeddings.get(at) ?? stage.inputs.get(at) ?? at
    const rounding = (of: string, by: string): void => {
      const rounded = straightThrough(nodesBetween(b, of, [by]))
      if (rounded !== undefined && !notes.includes(rounded)) notes.push(rounded)
    }
    const context: CompileContext = {
      b,
      options: resolveOptions(method, given),
      network,
      input: value,
      layout: input.layout,
      head,
      classes: () => classesOf(stage, method),
      scores: target.scores,
      seed: target.seed,
      score: () => scoreOf(stage),
      path: (from = value) => nodesBetween(b, target.scores, [from]),
      layer: () => {
        if (layer && !(layer instanceof ExplainError)) return layerMap(layer)
        throw (
          layer ?? new ExplainError('method-not-applicable', { what: `${method.id} did not say that it needs a layer` })
        )
      },
      gradient: (by, what) => {
        const gradient = gradients.by(by, what)
        rounding(what?.of ?? target.scores, by)
        return gradient
      },
      gradients: (by, what) => {
        const several = gradients.bySeveral(by, what)
        for (const value of by.slice(0, 1)) rounding(what?.of ?? target.scores, value)
        return several
      },
      map: (other) => {
        const built = build(other, place)
        notes.push(...built.notes.filter((n) => !notes.includes(n)))
        return built.value
      },
      takesColours: at === input.name && stage.preprocessing !== undefined,
      fill: (text) => fillOf(stage, at, text),
      note: (text) => {
        if (!notes.includes(text)) notes.push(text)
      },
    }
    const map = b.scope(`onnxplain/${method.id}`, () => asFloat32(b, method.build(context)))
    const result = { value: map, notes }
    made.set(key, result)
    return result
  }
  return (method, place) => {
    const embedding = stage.embeddings.get(place.at)
    if (embedding === undefined) return build(method, place)
    if (!method.ofTokens)
      throw new ExplainError('method-not-applicable', {
        what: `${method.id} has no map of the tokens of "${place.at}"`,
        remedy: 'Explain tokens by input-x-gradient: the gradient by their embeddings, times these.',
      })
    const { value, notes } = build(method, place)
    const note = `Of each token of "${place.at}" the sum over its embedding, "${embedding}".`
    return { value: b.reduceSum(value, [-1], false), notes: [...notes, note] }
  }
}

/** `[N]`: the target's score. */
function scoreOf({ b, target }: Stage): string {
  return b.cached('onnxplain/score', () => {
    const rank = b.requireRank(target.scores, 'the score of a target')
    const weighed = b.op('Mul', [target.scores, target.seed])
    const score = b.reduceSum(
      weighed,
      Array.from({ length: rank - 1 }, (_, i) => i + 1),
      false,
    )
    b.know(score, b.type(target.scores), b.dims(target.scores)?.slice(0, 1))
    return score
  })
}

/** The target's score as one more output, float32 `[N]`, where it is asked for. */
export function scoreOutput(stage: Stage, { scored = false }: Pick<CompileOptions, 'scored'>): string | undefined {
  const { b } = stage
  return scored ? b.alias(asFloat32(b, scoreOf(stage)), b.fresh('score')) : undefined
}

/** What a method knows of classes. */
function classesOf(stage: Stage, method: CompiledMethod): ClassContext {
  const { target, form } = stage
  if (target.weighsClasses)
    return { weights: target.seed, logits: flatLogits(stage), chosen: () => target.chosen ?? notOneClass(method, form) }
  return notOneClass(method, form)
}

function notOneClass(method: CompiledMethod, { kind }: TargetForm): never {
  throw new ExplainError('method-not-applicable', {
    what: `${method.id} explains classes of a classifier, and a target of kind ${kind} is none`,
    remedy: 'Use grad-cam, or explain a class.',
  })
}

/** `[N, classes]`. */
function flatLogits({ b, answer }: Stage): string {
  const { logits, dims, classes } = answer
  if (dims.length === 2) return logits
  return b.cached('onnxplain/logits', () => {
    const flat = b.op('Flatten', [logits], { axis: 1 })
    b.know(flat, b.type(logits), [b.dims(logits)?.[0] ?? null, classes])
    return flat
  })
}

/** A fill as a value that broadcasts to the input. */
function fillOf({ b, input, preprocessing }: Stage, at: string, text: string): string {
  const values = fillValues(text, at === input.name ? preprocessing : undefined, input.channels)
  if (values.every((v) => v === 0)) return b.scalar(0, at)
  const dims = [...input.layout].map((letter) => (letter === 'C' ? values.length : 1))
  return b.constant(float32(dims, values))
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
    const gradient = (what?: Differentiated): string => view(gradients.by(layer.value, what))
    return { value: layer.value, features: view(layer.value), gradient }
  }
}

/** Maps are float32, in float16 networks too; ORT drops a cast that does nothing. */
export function asFloat32(b: Builder, map: string): string {
  const wide = b.op('Cast', [map], { to: protoType('float32') })
  b.know(wide, 'float32', undefined)
  return wide
}
