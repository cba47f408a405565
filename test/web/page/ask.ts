/** A browser's answers. */
import { type ImageSource, type OpenOptions, open, type WebModel } from '../../../src/web/index.js'
import { type ImageFile, type ImageName, type Question, type Subject, tell } from '../../contract/question.js'

/** What a page knows of the contract: where models and images lie. */
interface Places {
  /** undefined: the shipped model. */
  readonly model: string | undefined
  readonly images: Readonly<Record<ImageName, ImageFile>>
}

const opened = new Map<string, Promise<WebModel>>()
const read = new Map<string, Promise<ImageSource>>()

/** Asks a question of a model, which stays open for the next. */
export async function ask(question: Question, places: Places, options: OpenOptions): Promise<unknown> {
  const key = JSON.stringify([question.model, options])
  const model = opened.get(key) ?? open(places.model, options)
  opened.set(key, model)
  const image = (name: ImageName): Promise<ImageSource> => {
    const found = read.get(name) ?? readFile(places.images[name])
    read.set(name, found)
    return found
  }
  const subject = await model
  const answer = await tell(subjectOf(subject), question, image)
  return { answer, runtime: subject.runtime, threads: subject.threads }
}

async function readFile(file: ImageFile): Promise<ImageSource> {
  if (file.kind === 'file') return file.path
  const data = new Float32Array(await (await fetch(file.path)).arrayBuffer())
  return { type: 'float32', dims: file.dims, data }
}

function subjectOf(model: WebModel): Subject<ImageSource> {
  const { name, labels, input, others, answer, notes, preprocessing } = model
  return {
    about: () => ({ name, labels, input, others, answer, notes, preprocessing }),
    preprocessing,
    withPreprocessing: (spec) => subjectOf(model.withPreprocessing(spec)),
    adjusted: (options) => subjectOf(model.adjusted(options)),
    inspect: () => model.inspect(),
    classify: (image, options) => model.classify(image, options),
    explainAll: (image, options) => model.explainAll(image, options),
    channels: (image, options) => model.channels(image, options),
    compile: (options) => model.compile(options),
  }
}
