/** What the snippets' fixtures are made of: the shipped model's Grad-CAM of the coffee in the picture that comes with it. */
import { type NodeExplanation, type NodeModel, open } from '../../src/node/open.js'
import { encode } from '../../src/onnx/encode.js'
import type { SnippetSubject } from '../../src/snippets/index.js'
import { pathOf } from '../support/files.js'

export const PICTURE = pathOf('examples/cat-and-coffee.jpg')

export interface Shipped {
  readonly subject: SnippetSubject
  /** The compiled model that the snippets run. */
  readonly file: Uint8Array
  /** The same map by onnxplain. */
  readonly explanation: NodeExplanation
}

export async function shipped(): Promise<Shipped> {
  await using model = await open()
  const explanation = await model.explain(PICTURE, { target: 'espresso' })
  return { subject: subjectOf(model, explanation), file: encode(model.model.compile({}).graph), explanation }
}

function subjectOf({ model }: NodeModel, { method, answer }: NodeExplanation): SnippetSubject {
  const { input, preprocessing } = model
  if (!preprocessing) throw new Error('The shipped model takes photos')
  return {
    file: 'efficientnet-lite0.grad-cam.onnx',
    method: method.title,
    picture: 'cat-and-coffee.jpg',
    input: { name: input.name, type: 'float32', batch: input.batch },
    others: [],
    preprocessing,
    target: answer,
    scores: model.answer.output,
  }
}
