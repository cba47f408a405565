/** The maps of the class that is shown at a few layers of the network, of one graph and one forward pass. */
import type { InspectedLayer, MethodInfo, WebExplanation, WebModel } from 'onnxplain/web'
import { DETECTION } from './detecting.js'
import type { Explaining } from './explaining.js'
import { representative } from './layer-choice.js'
import { DEFAULT_METHOD, type Given, type Studio, type Subject } from './studio.js'
import { givenTarget, type Wanted } from './wanted.js'
import { WhenIdle } from './when-idle.js'

/** Layers that are shown without being asked for. */
const MOST = 11

export interface LayerQuestion {
  readonly view: WebModel
  readonly subject: Subject
  /** The id of the method that the maps are wanted of. */
  readonly method: string
  readonly target: Wanted
  readonly given: Given
}

export interface LayerAnswer {
  /** The method that the maps are of. */
  readonly method: MethodInfo
  readonly maps: ReadonlyMap<string, WebExplanation>
  /** Why there is none, by layer. */
  readonly refused: ReadonlyMap<string, string>
}

export type LayerMaps = WhenIdle<LayerQuestion, LayerAnswer>

/** The layers that stand for a model. */
export function shownLayers(model: WebModel): readonly InspectedLayer[] {
  return representative(model.inspect().layers, MOST)
}

export function layerMaps(studio: Studio, explaining: Explaining): LayerMaps {
  return new WhenIdle(studio, {
    title: 'The maps at the layers could not be made',
    question: () => {
      const view = studio.view.value
      const shown = studio.shown.value
      const method = studio.methodInfo.value
      const given = studio.given.value
      if (!view || !shown || shown.partial || shown.subject !== studio.subject.value || !method) return undefined
      if (view.inspect().layers.length === 0) return undefined
      const { subject, wanted } = shown
      return {
        view,
        subject,
        method: ofLayers(method) ? method.id : DEFAULT_METHOD,
        target: wanted,
        given,
      }
    },
    ask: async (question, signal) => {
      const found = await ask(question, question.method, signal)
      // a method of the last layer alone, such as CAM, shows nothing of the way there
      const says = found.maps.size > 1 || question.method === DEFAULT_METHOD
      const answer = says ? found : await ask(question, DEFAULT_METHOD, signal)
      if (!signal.aborted) explaining.learn(question, [...answer.maps.values()])
      return answer
    },
  })
}

async function ask(question: LayerQuestion, method: string, signal: AbortSignal): Promise<LayerAnswer> {
  const { view, subject, target, given } = question
  const info = view.methods.find((m) => m.id === method)
  if (!info) throw new Error(`There is no method ${method}`)
  const layer = shownLayers(view).map((l) => l.name)
  const set = await view.explainAll(subject.picture, {
    ...given,
    detection: DETECTION,
    method,
    layer,
    target: givenTarget(target),
    signal,
  })
  return {
    method: info,
    maps: new Map(set.explanations.flatMap((e) => (e.raw.layer === undefined ? [] : [[e.raw.layer, e] as const]))),
    refused: new Map(set.refused.flatMap((r) => (r.layer === undefined ? [] : [[r.layer, r.error.what] as const]))),
  }
}

/** True where the method's map lies at a layer. */
export function ofLayers(method: MethodInfo): boolean {
  return method.kind === 'compiled' && method.atLayer && method.space === 'layer'
}
