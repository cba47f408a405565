/** `open`: the package's front door in Node. */
import { fileURLToPath } from 'node:url'
import type { Runtime } from '../core/runtime.js'
import type { Tensor } from '../core/tensor.js'
import {
  type Caption,
  type CaptionOptions,
  type ClassAnswer,
  type CompileOptions,
  type DetectedBox,
  type DetectionOptions,
  type EmbedOptions,
  type ExplainOptions,
  type Explanation,
  type ExplanationSet,
  type Image,
  type ImageOptions,
  type Inspection,
  type LayerChannels,
  type LayerChannelsOptions,
  type LoadOptions,
  loadModel,
  type Model,
  type ModelParts,
  ownParts,
  type Plan,
  type SeenClass,
} from '../explain/index.js'
import { backgroundOf, figureOfOne } from '../figures/index.js'
import type { Picture } from '../image/index.js'
import { METHODS } from '../methods/index.js'
import { decode } from '../onnx/decode.js'
import type { DrawOptions } from '../render/index.js'
import type { GivenTarget } from '../targets/index.js'
import { decodePicture } from './codec.js'
import { drawFigure, refuseFormat } from './draw.js'
import { readBytes, refuseUnwritable, writeWhole } from './files.js'
import { ortRuntime } from './ort.js'
import { resolveModel } from './resolve.js'

export interface OpenOptions extends LoadOptions {
  /** Default: onnxruntime-node, else onnxruntime-web. */
  readonly runtime?: Runtime
  /** Is told in one line what had to be assumed. Default: nothing is said. */
  readonly warn?: (line: string) => void
}

/** A picture: a file's path or URL, a file's bytes, decoded pixels, or an already preprocessed tensor. */
export type ImageSource = string | URL | Uint8Array | Picture | Tensor<'float32'>

/** An explanation that can be saved as a picture. */
export interface NodeExplanation extends Explanation {
  /**
   * Writes the map over the picture as .png, .svg, .jpg or .webp. A tensor is drawn as a picture of its first channels; volumes and clips as
   * a row of up to six slices. Rejects with `cannot-write`, `bad-option` (also for a map that lies on no picture).
   */
  save(path: string, options?: DrawOptions): Promise<void>
}

/**
 * Opens a model: a .onnx file, a folder in the Hugging Face layout, the bytes of a file, or nothing: the shipped model.
 *
 * Rejects with `cannot-read`, `invalid-model`, `external-data-missing`, `unsupported-opset`, `no-image-input`, `runtime-failed`,
 * `no-runtime`.
 *
 * @example
 * ```ts
 * const model = await open()
 * const result = await model.explain('cat.jpg', { method: 'grad-cam', target: 'espresso' })
 * await result.save('cat-espresso.png')
 * ```
 */
export async function open(source?: string | URL | Uint8Array, options: OpenOptions = {}): Promise<NodeModel> {
  const runtime = options.runtime ?? (await ortRuntime(options.warn ? { warn: options.warn } : {}))
  const parts = source instanceof Uint8Array ? partsOf(source) : await resolveModel(pathOf(source))
  const model = await loadModel(parts, runtime, options)
  for (const note of model.notes) options.warn?.(note)
  return new NodeModel(model)
}

function pathOf(source: string | URL | undefined): string | undefined {
  return source instanceof URL ? fileURLToPath(source) : source
}

function partsOf(bytes: Uint8Array): ModelParts {
  return { name: 'model', ...ownParts(decode(bytes)) }
}

export class NodeModel {
  constructor(
    /** The portable model inside. */
    readonly model: Model,
  ) {}

  /** The best answers, best first: `[{ index, label, logit, probability }]`. Default: five. */
  async classify(
    image: ImageSource,
    options: ImageOptions & { readonly top?: number } = {},
  ): Promise<readonly ClassAnswer[]> {
    return this.model.classify(await readImage(image), options)
  }

  /** The boxes that a detector finds, best first, in pixels of the picture. */
  async detect(image: ImageSource, options: ImageOptions & DetectionOptions = {}): Promise<readonly DetectedBox[]> {
    return this.model.detect(await readImage(image), options)
  }

  /** The classes of a segmentation, by the part of the picture that each covers. */
  async segment(image: ImageSource, options: ImageOptions = {}): Promise<readonly SeenClass[]> {
    return this.model.segment(await readImage(image), options)
  }

  /** The text that the model writes about a picture, with its words one by one. Defaults: as its generation_config.json says, else greedily. */
  async caption(image: ImageSource, options: CaptionOptions & ImageOptions = {}): Promise<Caption> {
    return this.model.caption(await readImage(image), options)
  }

  /** The texts that the model writes about a picture, best first: as many as there are beams. */
  async captions(image: ImageSource, options: CaptionOptions & ImageOptions = {}): Promise<readonly Caption[]> {
    return this.model.captions(await readImage(image), options)
  }

  /** Explains one target by one method. Defaults: Grad-CAM, the best answer. */
  async explain(image: ImageSource, options: ExplainOptions = {}): Promise<NodeExplanation> {
    const read = await readImage(image)
    const asked = await withPictures(options)
    return savable(await this.model.explain(read, asked), this.model, 'dims' in read ? undefined : read)
  }

  /** Explains every target by every method. */
  async explainAll(image: ImageSource, options: ExplainOptions = {}): Promise<ExplanationSet> {
    return this.model.explainAll(await readImage(image), await withPictures(options))
  }

  /** The embedding of a text, of any length. Rejects with `method-not-applicable` for a model without texts, `no-vocabulary`. */
  embedText(text: string, options: EmbedOptions = {}): Promise<Float32Array> {
    return this.model.embedText(text, options)
  }

  /** The embedding of a picture, of any length: the model's, or of a classifier what its last linear layer reads. */
  async embedPicture(image: ImageSource, options: EmbedOptions & ImageOptions = {}): Promise<Float32Array> {
    return this.model.embedPicture(await readImage(image), options)
  }

  /** The channels of a layer that weigh most in a class' Grad-CAM map, each laid on the picture. */
  async channels(image: ImageSource, options: LayerChannelsOptions = {}): Promise<LayerChannels> {
    return this.model.channels(await readImage(image), options)
  }

  /** What the model holds and what can be explained of it: inputs, layers to choose from, operators without a rule. */
  inspect(): Inspection {
    return this.model.inspect()
  }

  /** A plan with the maps inside the model; `encode(plan.graph)` is its file. */
  compile(options: Omit<CompileOptions, 'shapes'> = {}): Plan {
    return this.model.compile(options)
  }

  /** Releases the sessions; the model cannot be used afterwards. */
  async dispose(): Promise<void> {
    await this.model.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

/** What may name other pictures. */
interface Naming {
  readonly target?: GivenTarget | readonly GivenTarget[] | undefined
  readonly pictures?: Readonly<Record<string, Image>> | undefined
}

/** With the pictures read that targets name as files, relative to the working folder. Rejects with `cannot-read`, `invalid-image`. */
export async function withPictures<O extends Naming>(
  options: O,
): Promise<O & { readonly pictures: Readonly<Record<string, Image>> }> {
  const pictures: Record<string, Image> = { ...options.pictures }
  for (const path of [options.target].flat().map(otherPicture))
    if (path !== undefined && !Object.hasOwn(pictures, path)) pictures[path] = await readImage(path)
  return { ...options, pictures }
}

/** The file that a target of similarity names, where its embedding is not known. */
function otherPicture(target: GivenTarget | undefined): string | undefined {
  if (typeof target === 'string') return /^similarity:(.*\S)/s.exec(target)?.[1]?.trim()
  if (typeof target !== 'object' || target.kind !== 'similarity' || target.embedding) return undefined
  return typeof target.to === 'string' ? target.to : undefined
}

/** A picture or tensor from whatever names one. */
export async function readImage(image: ImageSource): Promise<Picture | Tensor<'float32'>> {
  if (image instanceof Uint8Array) return decodePicture(image, 'picture')
  if (image instanceof URL) return readImage(fileURLToPath(image))
  return typeof image === 'string' ? readPicture(image) : image
}

/** The picture in a file. Rejects with `cannot-read`, `invalid-image`, `image-too-large`. */
export async function readPicture(path: string): Promise<Picture> {
  return decodePicture(await readBytes(path, 'The picture'), path)
}

function savable(explanation: Explanation, model: Model, picture: Picture | undefined): NodeExplanation {
  return {
    ...explanation,
    async save(path, options = {}): Promise<void> {
      refuseFormat(path)
      await refuseUnwritable(path)
      const own = explanation.input === model.input.name
      const background = backgroundOf(explanation, own ? picture : undefined, own ? model.preprocessing : undefined)
      await writeWhole(path, await drawFigure(figureOfOne(background, explanation, options), path))
    },
  }
}

/** The methods, for lists and forms. */
export { METHODS as methods }
