/** From a model's parts, and what a user says of them, to a model that explains. */
import { ExplainError } from '../core/errors.js'
import type { OptimizationLevel, Runtime } from '../core/runtime.js'
import { adjustPreprocessing, type PreprocessOptions, type PreprocessSpec } from '../image/index.js'
import { tokenizerOf } from '../text/index.js'
import { Model } from './model.js'
import type { ModelParts } from './model-files.js'
import type { ModelText } from './written.js'

/** What may be said of a model when it is opened. Plain data. */
export interface LoadOptions extends PreprocessOptions {
  /** Class names in class order. Default: `id2label` of the model's config.json. */
  readonly labels?: readonly string[] | undefined
  /** Replaces the model's own preprocessing. Default: its preprocessor_config.json, else the usual ImageNet preprocessing. */
  readonly preprocessing?: PreprocessSpec | undefined
  /** Default: `all`. */
  readonly optimization?: OptimizationLevel | undefined
  /** The output that holds the class scores. Default: the first such output that no other output is made from. */
  readonly answer?: string | undefined
  /** The input that takes the picture. Default: the one with three channels, else the only one that could. */
  readonly pictureInput?: string | undefined
}

/** Loads a model; see {@link Model.load}. Rejects with `bad-option` for what is said of photos where the model takes none. */
export async function loadModel(parts: ModelParts, runtime: Runtime, options: LoadOptions = {}): Promise<Model> {
  const model = await Model.load(parts.graph, runtime, {
    name: parts.name,
    labels: options.labels ?? parts.labels,
    preprocessing: options.preprocessing ?? parts.preprocessing,
    pictureSize: parts.pictureSize,
    answer: options.answer,
    pictureInput: options.pictureInput,
    text: await textOf(parts),
    textTower: parts.textTower,
    ...(options.optimization ? { optimization: options.optimization } : {}),
  })
  return model.withPreprocessing(adjusted(model, options))
}

async function textOf({ text: settings }: ModelParts): Promise<ModelText | undefined> {
  const tokenizer = settings && (await tokenizerOf(settings))
  return tokenizer && { tokenizer, settings }
}

function adjusted({ preprocessing, input }: Model, options: LoadOptions): PreprocessSpec | undefined {
  if (preprocessing) return adjustPreprocessing(preprocessing, options)
  const { mean, std, size, fit, channels } = options
  const given = Object.entries({ mean, std, size, fit, channels, preprocessing: options.preprocessing })
  const [named] = given.find(([, value]) => value !== undefined) ?? []
  if (named === undefined) return undefined
  throw new ExplainError('bad-option', {
    what: `${named} is about photos, and this model takes none: its input has the axes ${input.layout}, of ${input.channels} channels`,
    where: named,
    remedy: 'Give it tensors that are preprocessed.',
  })
}
