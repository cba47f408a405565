/** Questions about models that are the same wherever onnxplain runs, and what asks them. Plain data; no platform. */
import type { ErrorCode } from '../../src/core/errors.js'
import type { Tensor } from '../../src/core/tensor.js'
import type { ClassAnswer } from '../../src/explain/explanation.js'
import type { ExplainOptions, ExplanationSet, LayerChannels, LayerChannelsOptions } from '../../src/explain/index.js'
import type { CompileOptions } from '../../src/explain/plan.js'
import type { Picture, PreprocessOptions, PreprocessSpec } from '../../src/image/index.js'

/** The shipped model, a network of the fixtures, or one that is made by {@link ../contract/networks}. */
export type ModelName =
  | 'shipped'
  | 'resnet'
  | 'vit'
  | 'convnext'
  | 'efficientnet'
  | 'densenet'
  | 'byobnet'
  | 'shufflenet'
  | 'pooled'
  | 'two-inputs'

/** A photo, and tensors as the shipped model, the networks of the fixtures, and the two others take them. */
export type ImageName = 'photo' | 'golden' | 'small' | 'tiny'

interface Asked {
  readonly name: string
  readonly model: ModelName
  /** Replaces parts of the preprocessing first. */
  readonly adjusted?: PreprocessOptions
  /** Replaces the preprocessing first. */
  readonly preprocessing?: Partial<PreprocessSpec>
  /** The answer is this error. */
  readonly error?: ErrorCode
}

export type Question = Asked &
  (
    | { readonly call: 'about' | 'inspect' }
    | { readonly call: 'compile'; readonly options?: Omit<CompileOptions, 'shapes'> }
    | { readonly call: 'classify'; readonly image: ImageName; readonly options?: object }
    | { readonly call: 'channels'; readonly image: ImageName; readonly options?: LayerChannelsOptions }
    | {
        readonly call: 'explain'
        readonly image: ImageName
        readonly options?: ExplainOptions
        /** The raw map, as PyTorch has it: a file in test/fixtures/golden, and how far maps may be from it. */
        readonly golden?: { readonly file: string; readonly relative: number }
      }
  )

/** What is asked: a model in Node, or one in a browser. */
export interface Subject<Image> {
  readonly about: () => object
  readonly preprocessing: PreprocessSpec | undefined
  readonly withPreprocessing: (spec: PreprocessSpec) => Subject<Image>
  readonly adjusted: (options: PreprocessOptions) => Subject<Image>
  readonly inspect: () => object
  readonly classify: (image: Image, options?: object) => Promise<readonly ClassAnswer[]>
  readonly explainAll: (image: Image, options?: ExplainOptions) => Promise<Omit<ExplanationSet, 'explanations'> & Told>
  readonly channels: (image: Image, options?: LayerChannelsOptions) => Promise<LayerChannels>
  readonly compile: (options?: Omit<CompileOptions, 'shapes'>) => Promise<Uint8Array>
}

type Told = Pick<ExplanationSet, 'explanations'>

/** What an image is before it is one: what can be sent to a page. */
export type ImageFile =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'tensor'; readonly path: string; readonly dims: readonly number[] }

export type AnyImage = string | Picture | Tensor<'float32'>

/** Asks; resolves to plain data, `{ error: { code, message } }` where it fails. */
export async function tell<Image>(
  subject: Subject<Image>,
  question: Question,
  image: (name: ImageName) => Promise<Image>,
): Promise<unknown> {
  const { adjusted, preprocessing } = question
  try {
    const viewed = adjusted ? subject.adjusted(adjusted) : subject
    const spec = viewed.preprocessing
    const asked = preprocessing && spec ? viewed.withPreprocessing({ ...spec, ...preprocessing }) : viewed
    return await answer(asked, question, image)
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    if (code === undefined) throw error
    return { error: { code, message } }
  }
}

async function answer<Image>(
  subject: Subject<Image>,
  question: Question,
  image: (name: ImageName) => Promise<Image>,
): Promise<unknown> {
  switch (question.call) {
    case 'about':
      return subject.about()
    case 'inspect':
      return subject.inspect()
    case 'compile':
      return { bytes: await subject.compile(question.options) }
    case 'classify':
      return { answers: await subject.classify(await image(question.image), question.options) }
    case 'channels':
      return (await subject.channels(await image(question.image), question.options)).data
    case 'explain': {
      const { answers, explanations, refused } = await subject.explainAll(await image(question.image), question.options)
      return {
        // the tail of a thousand classes is no matter of runtimes
        answers: answers.slice(0, 5),
        count: answers.length,
        maps: explanations.map(({ data, heatmap }) => ({ ...data, heatmap: { ...heatmap, data: undefined } })),
        refused: refused.map(({ method, layer, error }) => ({ method: method.id, layer, code: error.code })),
      }
    }
  }
}
