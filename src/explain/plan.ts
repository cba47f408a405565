/** What is compiled, and what comes of it. */
import type { ExplainError } from '../core/errors.js'
import type { Dim, Lack } from '../core/runtime.js'
import type { PreprocessSpec } from '../image/index.js'
import type { CompiledMethod } from '../methods/method.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import type { Answer } from '../targets/answer.js'
import type { TargetInput } from '../targets/append.js'
import type { Score, TargetForm } from '../targets/target.js'
import type { PictureInput } from './input.js'
import type { GivenOptions } from './options.js'
import type { OtherInput } from './others.js'

export interface CompileOptions {
  /** A method id, or several: one map each. Compiled methods only. Default: `grad-cam`. */
  readonly method?: string | readonly string[]
  /**
   * The layer's value name, for methods that explain at a layer; of several, one map each, of one forward pass and one backward. Default: the
   * last feature map before pooling.
   */
  readonly layer?: string | readonly string[] | undefined
  /**
   * The grid of a network's tokens, where the graph does not tell it or another is meant: `14x14`, rows and columns; `14x14+1` where one
   * token comes before the places. Default before: all that are left over. Default: found from the graph.
   */
  readonly grid?: string | undefined
  /** The output that holds the answer. Default: found, see {@link findAnswer}. */
  readonly answer?: string | undefined
  /** How many labels there are: what tells the classes of a detector from what else it says of a box. Default: read from its outputs' shapes. */
  readonly labels?: number | undefined
  /** What the maps explain: all of a target that is no run-time input. Default: the logit of a class. */
  readonly form?: TargetForm | undefined
  /** What the maps explain of a class, where no `form` is given. Default: `logit`. */
  readonly score?: Score | undefined
  /** What the maps explain, as text, where no `form` is given: a kind of target, `contrast`, `word`, `neuron:VALUE`, `expression:...`. Default: the plain one of the answer. */
  readonly target?: string | undefined
  /** Adds the target's score, float32 `[N]`, as one more output: `score`. Default: false. */
  readonly scored?: boolean
  /** The input that takes the picture. Default: found, see {@link findPictureInput}. */
  readonly pictureInput?: string | undefined
  /**
   * The inputs that methods of the input's own space explain at (gradients and their like), by name: float ones, or `all` of those. Other
   * methods explain at the picture alone. Default: the picture.
   */
  readonly wrt?: string | readonly string[] | undefined
  /** What `probe(graph, runtime)` found. Default: what the file declares, which is often too little. */
  readonly shapes?: Shapes
  /** What the runtime that will run the plan has no kernel for: `runtime.lacks`. The maps are the same. Default: nothing. */
  readonly lacks?: readonly Lack[] | undefined
  /** How photos become what the model is fed, for options that are colours. Default: the usual ImageNet preprocessing, as of a `Model`. */
  readonly preprocessing?: PreprocessSpec | undefined
  /** Options of the methods, under their own names. Default: each method's own. */
  readonly options?: GivenOptions | undefined
  /** Keeps the positive part of a map. Default: false. */
  readonly relu?: boolean
  /** Resizes maps of a layer bilinearly to the model's input. Default: false. */
  readonly upsample?: boolean
  /** Divides each map by its largest absolute value. Default: false. */
  readonly normalize?: boolean
}

/** One map of a plan. */
export interface PlannedMap {
  readonly method: CompiledMethod
  /**
   * The graph output that holds it: `heatmap`, or `heatmap/<method id>` where there are several methods; with `/<layer>` behind it where
   * there are several layers, `/<input>` for inputs other than the picture; `heatmap_1` where the model has a value of that name.
   */
  readonly output: string
  /** The input that it explains. */
  readonly input: string
  /** The layer it was taken at; undefined for maps at the input. */
  readonly layer: string | undefined
  /** How the layer's tokens are read; undefined where it is a map as it stands. */
  readonly tokens: TokenGrid | undefined
  /** Sentences for the provenance. */
  readonly notes: readonly string[]
}

/** A map that the network does not allow, among several that were asked for. */
export interface RefusedMap {
  readonly method: CompiledMethod
  /** The layer that was asked for; undefined where none was named, and for maps at the input. */
  readonly layer: string | undefined
  readonly error: ExplainError
}

/** The places among a layer's tokens. */
export interface TokenGrid {
  /** Rows and columns; null or a name where they are free. */
  readonly grid: readonly Dim[]
  /** Tokens before and behind the places, such as class tokens: not in the map. */
  readonly before: number
  readonly after: number
  /** True where the user stated the grid. */
  readonly stated: boolean
}

/** What a run of a compiled model needs to know of it. */
export interface RunnablePlan {
  readonly graph: Graph
  /**
   * The inputs that were added, which say what is explained: of classes one, `target`, or `target_1` where the model has a value of that name.
   */
  readonly targetInputs: readonly TargetInput[]
  /** The output that holds the target's score; undefined where it was not asked for. */
  readonly score?: string | undefined
  /** The outputs that were added, and the inputs that they are of. */
  readonly maps: readonly Pick<PlannedMap, 'output' | 'input'>[]
  /** The other inputs that the answer needs. */
  readonly others: readonly OtherInput[]
  /** True where one picture may be given with several targets. */
  readonly batched: boolean
}

export interface Plan extends RunnablePlan {
  /**
   * The model's own inputs and outputs; the target's inputs, of classes `target` int64 `[N]` (a class index, -1 for the best answer; `[1]` picture
   * with `[k]` targets gives k maps), and the maps, float32 `[N,h,w]` (volumes and clips: `[N,d,h,w]`), or in the input's shape.
   */
  readonly graph: Graph
  readonly maps: readonly PlannedMap[]
  /** What this network does not allow, with the reason; only where several maps were asked for. */
  readonly refused: readonly RefusedMap[]
  readonly input: PictureInput
  readonly answer: Answer
  readonly form: TargetForm
  /** True where several targets of one picture share the forward pass up to the first layer, and so cost little more than one. */
  readonly sharesForward: boolean
}
