/** Node's answers. */
import { readFileSync } from 'node:fs'
import { adjustPreprocessing } from '../../src/image/index.js'
import type { ImageSource } from '../../src/node/index.js'
import { NodeModel, open } from '../../src/node/open.js'
import { encode } from '../../src/onnx/encode.js'
import { runtime } from '../support/ort.js'
import type { ImageFile, ModelName, Subject } from './question.js'

/** Opens a model of the contract. */
export async function nodeSubject(name: ModelName, path: string): Promise<Subject<ImageSource>> {
  return subjectOf(await open(name === 'shipped' ? undefined : path, { runtime }))
}

function subjectOf(node: NodeModel): Subject<ImageSource> {
  const { model } = node
  const { preprocessing } = model
  const view = (spec: typeof preprocessing): Subject<ImageSource> =>
    subjectOf(new NodeModel(model.withPreprocessing(spec)))
  return {
    about: () => {
      const { name, labels, input, others, answer, notes } = model
      return { name, labels, input, others, answer, notes, preprocessing }
    },
    preprocessing,
    withPreprocessing: view,
    adjusted: (options) => view(preprocessing && adjustPreprocessing(preprocessing, options)),
    inspect: () => node.inspect(),
    classify: (image, options) => node.classify(image, options),
    explainAll: (image, options) => node.explainAll(image, options),
    channels: (image, options) => node.channels(image, options),
    compile: async (options) => encode(node.compile(options).graph),
  }
}

export function nodeImage(image: ImageFile): ImageSource {
  if (image.kind === 'file') return image.path
  const bytes = Uint8Array.from(readFileSync(image.path))
  return { type: 'float32', dims: image.dims, data: new Float32Array(bytes.buffer) }
}
