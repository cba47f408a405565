/** Brings models and pictures in: the shipped ones, those of an address, and what is dropped. */
import { batch } from '@preact/signals'
import {
  ExplainError,
  type ModelSource,
  type OpenOptions,
  open,
  type Picture,
  readImage,
  type WarmWorker,
  type WebModel,
  warmUp,
} from 'onnxplain/web'
import { Latest } from './latest.js'
import { isAborted, problemOf } from './problem.js'
import type { Studio } from './studio.js'
import { toolsOf } from './tools.js'

/** The pictures that come with the page. */
export const EXAMPLES: readonly { readonly id: string; readonly title: string; readonly url: URL }[] = [
  {
    id: 'cat-and-coffee',
    title: 'A cat and a coffee',
    url: new URL('../../../examples/cat-and-coffee.jpg', import.meta.url),
  },
  { id: 'cat', title: 'A cat', url: new URL('../../../examples/cat.jpg', import.meta.url) },
  { id: 'coffee', title: 'A coffee', url: new URL('../../../examples/coffee.jpg', import.meta.url) },
]

/** Milliseconds from a model's opening to the start of a worker for the next. */
const WARM_AFTER = 6000

const PICTURE = /\.(jpe?g|png|webp|avif|gif|bmp)$/i

/** Where a model is opened from. */
export interface ModelOrigin {
  /** Its address in this site, for the page's own. */
  readonly url?: string | undefined
  /** True where class, layer and the like were asked of this very model. */
  readonly asked?: boolean
}

/** Where a picture comes from. */
export interface PictureOrigin {
  /** The example that it is. */
  readonly example?: string | undefined
  /** True where what is explained was asked of this very picture. */
  readonly asked?: boolean
}

export class Opening {
  readonly #studio: Studio
  readonly #options: OpenOptions
  readonly #models = new Latest()
  readonly #pictures = new Latest()
  #spare: WarmWorker | undefined

  constructor(studio: Studio, options: OpenOptions = {}) {
    this.#studio = studio
    this.#options = options
  }

  /** Opens a model in the place of the one that is there, which stays until the new one is ready, and for good where that fails. */
  async model(source: ModelSource | undefined, name: string, from: ModelOrigin = {}): Promise<void> {
    const s = this.#studio
    try {
      await this.#models.run(async (signal) => {
        const cancel = (): void => {
          this.#models.abort()
          s.loading.value = undefined
        }
        const tell = (step: string, loaded: number, total: number | undefined): void => {
          if (!signal.aborted)
            s.loading.value = { label: `${name}: ${step}`, done: loaded, total, unit: 'bytes', cancel }
        }
        tell('reading', 0, undefined)
        const worker = this.#spare
        this.#spare = undefined
        const model = await open(source, {
          ...this.#options,
          worker,
          signal,
          onProgress: ({ step, loaded, total }) => tell(step, loaded, total),
        })
        if (signal.aborted) return model.dispose()
        this.#take(model, from)
      })
    } catch (error) {
      if (isAborted(error)) return
      s.problem.value = problemOf(`${name} could not be opened`, error)
    }
    s.loading.value = undefined
  }

  #take(model: WebModel, { url, asked = false }: ModelOrigin): void {
    const s = this.#studio
    const before = s.model.value
    batch(() => {
      s.model.value = model
      s.modelUrl.value = url
      s.problem.value = undefined
      s.inputs.value = {}
      s.answers.value = []
      s.asked.value = undefined
      s.written.value = undefined
      s.found.value = undefined
      s.segmented.value = undefined
      if (before !== undefined && !asked) {
        // what was chosen of another model says nothing of this one
        s.preprocessing.value = {}
        s.target.value = undefined
        s.question.value = ''
        s.ownCaption.value = undefined
        s.layer.value = undefined
        s.compared.value = []
      }
      s.shown.value = undefined
      if (!toolsOf(s).includes(s.tool.value)) s.tool.value = 'look'
    })
    before?.dispose()
    // not while the first map is being made
    setTimeout(() => void this.#warmUp(), WARM_AFTER)
  }

  /** Another model, when one is dropped, then finds a worker ready, with or without a network. */
  async #warmUp(): Promise<void> {
    if (this.#spare) return
    try {
      const worker = await warmUp(this.#options)
      if (this.#spare) worker.dispose()
      else this.#spare = worker
    } catch {
      // the next model starts its own, and says what is wrong
    }
  }

  /** Looks at a picture: an address, a file, or what the browser can draw. */
  async picture(
    source: Blob | URL | ImageBitmap | HTMLVideoElement | Picture,
    name: string,
    { example, asked = false }: PictureOrigin = {},
  ): Promise<void> {
    const s = this.#studio
    try {
      await this.#pictures.run(async (signal) => {
        const picture = await readImage(source)
        if (!signal.aborted && !('dims' in picture)) this.#look(picture, name, { example, asked })
      })
    } catch (error) {
      if (!isAborted(error)) s.problem.value = problemOf(`${name} could not be shown`, error)
    }
  }

  #look(picture: Picture, name: string, { example, asked }: PictureOrigin): void {
    const s = this.#studio
    batch(() => {
      const isNew = s.subject.value !== undefined && !asked
      s.subject.value = { name, picture, example }
      s.problem.value = undefined
      s.shown.value = undefined
      // a question is asked of the next picture too; a text is about its own
      if (isNew) {
        s.target.value = undefined
        s.ownCaption.value = undefined
      }
    })
  }

  async example(id: string, asked = false): Promise<void> {
    const found = EXAMPLES.find((e) => e.id === id) ?? EXAMPLES[0]
    if (found) await this.picture(found.url, found.title, { example: found.id, asked })
  }

  /** Takes whatever was dropped, pasted or chosen, and says what it took it for: a model with what belongs to it, a picture, labels. */
  async files(files: readonly File[]): Promise<void> {
    const s = this.#studio
    const models = files.filter((f) => f.name.toLowerCase().endsWith('.onnx'))
    const [first] = files
    if (models.length > 0) return this.model(files, models[0]?.name ?? 'model')
    const picture = files.find((f) => f.type.startsWith('image/') || PICTURE.test(f.name))
    if (picture) return this.picture(picture, picture.name || 'pasted picture')
    const labels = files.find((f) => /\.(txt|json)$/i.test(f.name))
    if (labels) return this.labels(labels)
    s.problem.value = problemOf(
      first ? `${first.name} could not be used` : 'Nothing was dropped that could be used',
      new ExplainError('bad-option', {
        what: first
          ? `The studio does not know what to do with ${files
              .map((f) => f.name)
              .slice(0, 3)
              .join(', ')}`
          : 'There was no file in it',
        remedy:
          'Drop a picture, a .onnx model (with its external data and .json files, or its whole folder), or a file of labels.',
      }),
    )
  }

  /** Gives the model that is there other class names. */
  async labels(file: File): Promise<void> {
    const s = this.#studio
    const model = s.model.value
    if (!model) return
    try {
      s.model.value = await model.withLabels(file)
      s.problem.value = undefined
    } catch (error) {
      s.problem.value = problemOf(`${file.name} could not be used as labels`, error)
    }
  }
}
