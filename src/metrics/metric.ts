/**
 * What a metric is: a number for how good one map of one picture is, by the network's own answers, by where the object is, or by how the
 * map behaves. Adding one means one file and one line in `index.ts`: options, documentation and errors follow from the definition.
 */
import type { Grid, InputLayout } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import type { Explanation } from '../explain/index.js'
import type { OptionDefinitions, OptionValues } from '../methods/method.js'
import type { Target } from '../targets/index.js'
import type { Truth, TruthNeeds } from './truth.js'

export type MetricFamily = 'faithfulness' | 'localisation' | 'robustness' | 'randomisation' | 'complexity' | 'axiom'

/** What a metric costs. */
export interface MetricCost {
  /** Pictures that go forward through the network. */
  readonly forwards: number
  /** Maps that are made again, each at what the method costs. */
  readonly maps: number
  /** Copies of the network with other weights, each a new session. */
  readonly models: number
}

/** What a cost depends on, besides the options. */
export interface Sized {
  /** Places of the map: rows times columns times slices. */
  readonly places: number
  readonly height: number
  readonly width: number
  readonly depth: number
  /** Layers with weights. */
  readonly layers: number
}

/** What a metric says of itself: plain data, save its functions. */
export interface MetricInfo<O extends OptionDefinitions = OptionDefinitions> {
  /** Lower case with hyphens. */
  readonly id: string
  readonly title: string
  readonly family: MetricFamily
  /** One sentence: what the number says. */
  readonly summary: string
  /** Paper, section, equation. */
  readonly source: string
  /** The library or code whose variant it is, and where it differs. */
  readonly variant: string
  readonly better: 'higher' | 'lower'
  /** The least and the largest value; infinite where it has no bound. */
  readonly range: readonly [number, number]
  readonly needs: TruthNeeds
  /** What it is for a map that is the same everywhere. */
  readonly constant: string
  readonly options: O
}

/** A curve: insertion, deletion, information. */
export interface MetricCurve {
  readonly x: readonly number[]
  readonly y: readonly number[]
}

export type MetricParts = Readonly<Record<string, number | readonly number[]>>

/** What a metric found for one map. */
export interface Measurement {
  readonly value: number
  readonly curve?: MetricCurve
  /** What the value is made of; what `aggregate` pools. */
  readonly parts?: MetricParts
}

/** A map on the model input's places: signed, row-major `[depth, height, width]`. Signals have one row, pictures one slice. */
export interface MapPlane {
  readonly depth: number
  readonly height: number
  readonly width: number
  readonly data: Float32Array
}

/** What a score is: as the explanation explains it, or one of the two. */
export type ScoreOf = 'explained' | 'logit' | 'probability'

/** Changes a picture in place: a copy of the explained one, in its layout. */
export type Draw = (index: number, picture: Float32Array) => void

/** What a map is made of again. */
export interface Again {
  /** The class. Default: the explained one. */
  readonly target?: number
  /** A copy of the network with other weights. Default: the network. */
  readonly model?: RedrawnModel
}

/** A copy of the network some of whose layers have other weights. */
export interface RedrawnModel {
  readonly id: symbol
  release(): Promise<void>
}

/** What a metric is given. */
export interface MetricContext<O extends OptionDefinitions = OptionDefinitions> {
  readonly explanation: Explanation
  readonly options: OptionValues<O>
  /** The explained picture, `[1,C,H,W]` or as `layout` says. */
  readonly input: Tensor<'float32'>
  readonly layout: InputLayout
  /** The axes of a picture. */
  readonly grid: Grid
  readonly map: MapPlane
  /** The map in the shape of one picture: as it was computed where it has channels, else each place's value for all of its channels. */
  attribution(): Float32Array
  readonly target: Target
  /** The class that the target is about. Throws `method-not-applicable` where it is about none. */
  classIndex(): number
  readonly classes: number
  /** Where the object is, on the map's places. */
  readonly truth: Truth
  /** The target's score for `count` changed copies of the picture, drawn in order. */
  scores(of: ScoreOf, count: number, draw: Draw): Promise<Float64Array>
  /** The probabilities of all classes for `count` changed copies. */
  answers(count: number, draw: Draw): Promise<readonly Float64Array[]>
  /** A fill (`mean` or a colour) as the value of each channel after preprocessing. */
  fill(text: string): readonly number[]
  /** The map of a changed copy of the picture, made as the explained one was. */
  explain(draw: (picture: Float32Array) => void, again?: Again): Promise<MapPlane>
  /** Layers with weights, from the logits down. */
  readonly layers: readonly string[]
  /** The network with the weights of these layers drawn anew, at the given seed. To be released. */
  redraw(layers: readonly string[], seed: number): RedrawnModel
  /** Adds a sentence to the result. */
  note(text: string): void
}

export interface Metric<O extends OptionDefinitions = OptionDefinitions> extends MetricInfo<O> {
  cost(options: OptionValues<O>, sized: Sized): Partial<MetricCost>
  measure(context: MetricContext<O>): Promise<Measurement> | Measurement
  /** Pools the measurements of several pictures into one. Default: the mean of their values. */
  aggregate?(measurements: readonly Measurement[]): Measurement
}

/** The plain data of a metric, without its functions. */
export function metricInfo({ cost: _, measure: __, aggregate: ___, ...info }: Metric): MetricInfo {
  return info
}

export function defineMetric<const O extends OptionDefinitions>(metric: Metric<O>): Metric<O> {
  return metric
}
