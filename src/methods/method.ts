/**
 * What an explanation method is. Two kinds: a *compiled* method writes its map into the graph (one run gives answer and map); a
 * *driven* one is a loop around runs. Adding a method means one file and one line in `index.ts`: command line, documentation and
 * tests follow from the definition.
 */
import type { InputLayout } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import type { Builder } from '../onnx/builder.js'
import type { Node } from '../onnx/ir.js'
import type { Override } from '../vjp/rule.js'
import type { Square } from './covering.js'
import type { LinearHead } from './head.js'
import type { Network } from './layers.js'

export type Family = 'cam' | 'attention' | 'gradient' | 'propagation' | 'perturbation'

/** How a map is drawn: positive evidence as an overlay; evidence for and against around zero; a colour picture of pixels. */
export type Display = 'positive' | 'signed' | 'pixels'

/** How a pixel map `[C,H,W]` (or with slices or frames) becomes one number a pixel. */
export type ChannelReduction = 'max-abs' | 'sum'

/** An option of a method or a metric, as the command line and forms show it. */
export type MethodOption =
  | {
      readonly kind: 'integer'
      readonly default: number
      readonly minimum: number
      readonly unit: string
      readonly description: string
    }
  | {
      readonly kind: 'number'
      readonly default: number
      readonly minimum: number
      readonly maximum: number
      readonly unit: string
      readonly description: string
    }
  /** Several numbers of one range, written `0.05, 0.1`. */
  | {
      readonly kind: 'numbers'
      readonly default: string
      readonly minimum: number
      readonly maximum: number
      readonly unit: string
      readonly description: string
    }
  | { readonly kind: 'fill'; readonly default: string; readonly description: string }
  | {
      readonly kind: 'choice'
      readonly default: string
      readonly choices: readonly string[]
      readonly description: string
    }
  /** 0: off, 1: on. */
  | { readonly kind: 'switch'; readonly default: 0 | 1; readonly description: string }

export type OptionDefinitions = Readonly<Record<string, MethodOption>>

type OptionValue<O> = O extends { readonly kind: 'choice'; readonly choices: readonly (infer Choice)[] }
  ? Choice
  : O extends { readonly kind: 'fill' | 'numbers' }
    ? string
    : number

/** Option values by name. */
export type OptionValues<O extends OptionDefinitions> = { readonly [Name in keyof O]: OptionValue<O[Name]> }

interface Info<O extends OptionDefinitions> {
  /** Lower case with hyphens, as the field writes it. */
  readonly id: string
  readonly title: string
  readonly family: Family
  /** One sentence: what the map says. */
  readonly summary: string
  /** Paper, section, equation. */
  readonly source: string
  /** Cost in runs of the network, for people: `1 forward + 1 backward`. */
  readonly cost: string
  readonly display: Display
  /** Where the raw map lives: `[h,w]` (or `[d,h,w]`) at the layer, or at the model's input. */
  readonly space: 'layer' | 'input'
  /** True where the map depends on a layer, which the user may choose. */
  readonly atLayer: boolean
  /** Present where the raw map is in the shape of the model's input, with channels, and how these become one number a pixel. */
  readonly channels?: ChannelReduction
  /** True where the map of a token's embedding, summed, says something of the token. */
  readonly ofTokens?: boolean
  readonly options: O
}

/** What a compiled method says of itself: plain data. */
export interface CompiledInfo<O extends OptionDefinitions = OptionDefinitions> extends Info<O> {
  readonly kind: 'compiled'
}

/** What a driven method says of itself: plain data. */
export interface DrivenInfo<O extends OptionDefinitions = OptionDefinitions> extends Info<O> {
  readonly kind: 'driven'
}

/** A method without its functions: plain data, which can be sent between threads. Every {@link Method} is one. */
export type MethodInfo = CompiledInfo | DrivenInfo

/**
 * A layer as methods see it: `[N,K,...places]`, whatever its axes are in the graph (tokens, channels last). Tokens that are no places,
 * such as a class token, are left out.
 */
export interface LayerMap {
  /** The value in the graph. */
  readonly value: string
  /** `[N,K,...places]`. */
  readonly features: string
  /** Gradient by the value, seen as `features` is, of the target's score, or of another value. Made when first asked for. */
  gradient(what?: Differentiated): string
}

/** What is differentiated, and by which rules. */
export interface Differentiated {
  /** A value, all of whose elements are summed. Default: the target's score. */
  readonly of?: string
  /** Alternative rules. Default: the gradient's own. */
  readonly override?: Override
}

/** What a compiled method knows of a classifier's classes. */
export interface ClassContext {
  /** `[N, classes]`: the weights of the classes' scores in the target's: 1 for a class, and -1 for one that it is told from. */
  readonly weights: string
  /** `[N, classes]`: the scores before a final Softmax or Sigmoid. */
  readonly logits: string
  /** int64 `[N]`: the class of each picture. Throws `method-not-applicable` for targets that are not one class. */
  chosen(): string
}

/** What a compiled method is given. Values are names in the graph. */
export interface CompileContext<O extends OptionDefinitions = OptionDefinitions> {
  readonly b: Builder
  readonly options: OptionValues<O>
  /** The network as it was before anything was added, and what runs along the axes of its values. */
  readonly network: Network
  /** The input that is explained: the picture, `[N,C,H,W]` or as `layout` says; or another one, for methods without a layer. */
  readonly input: string
  /** The picture's axes. */
  readonly layout: InputLayout
  /** The feature map to explain at. Throws `method-not-applicable` where the network has none. */
  layer(): LayerMap
  /** The linear head behind global pooling, where the network ends in one. */
  readonly head: LinearHead | undefined
  /** The classes that the target is about. Throws `method-not-applicable` where it is about none. */
  classes(): ClassContext
  /** `[N, ...]`: what is explained, of classes `[N, classes]`, the logits or their probabilities. */
  readonly scores: string
  /** In the shape of `scores`: the weights with which it sums to the target's score. */
  readonly seed: string
  /** `[N]`: the target's score. */
  score(): string
  /** The nodes between a value, the input say, and the score, in order. */
  path(from?: string): readonly Node[]
  /** Gradient by a value, the input say, of the target's score or of another value. Made once for each value and what is differentiated. */
  gradient(by: string, what?: Differentiated): string
  /** The same by several values, of one walk back. */
  gradients(by: readonly string[], what?: Differentiated): readonly string[]
  /** The raw map of another compiled method. Made once. */
  map(method: CompiledMethod): string
  /** True where the input is a picture of colours that are known. */
  readonly takesColours: boolean
  /** A fill (`mean` or a colour) after preprocessing, as a value that broadcasts to the input. Throws `bad-option`. */
  fill(text: string): string
  /** Adds a sentence to the provenance. */
  note(text: string): void
}

export interface CompiledMethod<O extends OptionDefinitions = OptionDefinitions> extends CompiledInfo<O> {
  /** Adds nodes; returns the raw map's value name: `[N,h,w]` (or `[N,d,h,w]`) at the layer, or in the shape of the model's input. */
  build(context: CompileContext<O>): string
}

/** A layer as driven methods see it: always `[N,K,...places]`, as compiled ones do ({@link LayerMap}). */
export interface DrivenLayer {
  /** The value in the graph. */
  readonly value: string
  /** `[1,K,...places]` of the picture. */
  readonly features: Tensor<'float32'>
  /** Scores `[features][targets]` of the network where the layer holds other features, `[n,K,...places]`; what lies before it is not run. */
  scores(features: Tensor<'float32'>): Promise<readonly Float32Array[]>
  /** The same of all classes, before a final Softmax or Sigmoid. */
  logits(features: Tensor<'float32'>): Promise<readonly Float32Array[]>
  /** Of one picture, `[1,C,H,W]` or as the model has it: the features, and the gradient of one target's score by them. */
  gradients(
    picture: Tensor<'float32'>,
    target: number,
  ): Promise<{ readonly features: Tensor<'float32'>; readonly gradients: Tensor<'float32'> }>
}

/** A copy of the picture that differs from it in a box, and its scores, one a target. */
export interface Changed {
  readonly box: Square
  readonly scores: Float32Array
}

/** What a driven method is given. */
export interface DriveContext<O extends OptionDefinitions> {
  /** One preprocessed picture, `[1,C,H,W]` or as `layout` says. */
  readonly input: Tensor<'float32'>
  readonly layout: InputLayout
  /** Scores `[pictures][targets]` of a batch of pictures. */
  scores(pictures: Tensor<'float32'>): Promise<readonly Float32Array[]>
  /**
   * Scores of copies of the picture, each of which shows `other`, a picture of the same shape, inside of one box. Far less is computed for them than
   * for whole pictures where the network allows it (`explain/changed.ts`). Groups come one after another, the boxes of a group in any order.
   */
  changed(groups: readonly (readonly Square[])[], other: Float32Array): AsyncIterable<readonly Changed[]>
  /** The gradient of one target's score by each picture of a batch, in the pictures' shape. */
  gradients(pictures: Tensor<'float32'>, target: number): Promise<Tensor<'float32'>>
  readonly targets: number
  /** The layer to explain at. Rejects with `method-not-applicable` where the network has none. */
  layer(): Promise<DrivenLayer>
  /** Pictures a run. 1 for models of fixed batch. */
  readonly batch: number
  readonly options: OptionValues<O>
  /** A fill (`mean` or a colour) as the value of each channel after preprocessing. */
  fill(text: string): readonly number[]
  readonly signal: AbortSignal | undefined
  /** What a class is called. */
  label(index: number): string
  /** Adds a sentence to the provenance. */
  note(text: string): void
  /** Tells how far the work is; `partial` makes the maps as they stand. */
  progress(done: number, total: number, partial: () => readonly Tensor<'float32'>[]): void
}

export interface DrivenMethod<O extends OptionDefinitions = OptionDefinitions> extends DrivenInfo<O> {
  /** Raw maps `[h,w]` at the layer or the model's input, as `space` says (volumes and clips: `[d,h,w]`), or with `channels` in its shape; one a target. */
  run(context: DriveContext<O>): Promise<readonly Tensor<'float32'>[]>
}

export type Method = CompiledMethod | DrivenMethod

/** The plain data of a method, without its functions. */
export function methodInfo(method: Method): MethodInfo {
  if (method.kind === 'compiled') {
    const { build: _, ...info } = method
    return info
  }
  const { run: _, ...info } = method
  return info
}

export function defineMethod<const O extends OptionDefinitions>(method: CompiledMethod<O>): CompiledMethod<O>
export function defineMethod<const O extends OptionDefinitions>(method: DrivenMethod<O>): DrivenMethod<O>
export function defineMethod(method: Method): Method {
  return method
}
