/**
 * The runtime is handed in: portable code knows ONNX Runtime only through these interfaces, which `node` and `web`
 * implement.
 */
import type { DataType, Tensor } from './tensor.js'

/** A dimension: a number, a symbolic name, or null where nothing is known. */
export type Dim = number | string | null

/** What is known of a value before a run. `dims` is undefined where the rank is unknown. */
export interface ValueInfo {
  readonly name: string
  readonly type: DataType | undefined
  readonly dims: readonly Dim[] | undefined
}

/** A serialised model and the files its initialisers point into. */
export interface ModelFile {
  readonly bytes: Uint8Array
  /** Contents of external data files, by the `location` that the model names. */
  readonly externalData: ReadonlyMap<string, Uint8Array>
}

/** How far ORT may rewrite the graph. Gradients depend on it through ties, so it is always stated. */
export type OptimizationLevel = 'disabled' | 'basic' | 'extended' | 'all'

export interface SessionOptions {
  /** Default: `all`. */
  readonly optimization?: OptimizationLevel
  /** Whether weights are packed for matrix products of many rows, where the runtime does that (see `passes/packing.ts`). Default: true. */
  readonly packed?: boolean
}

export interface Session {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /** Runs once. Rejects with `runtime-failed`. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>
  release(): Promise<void>
}

/**
 * Kernels that a runtime may be without, as ONNX Runtime's WebGPU provider is without both: ConvTranspose over three spatial axes, which
 * backward passes use, and convolutions of 6, 9, 15, 18 ... channels, which it computes wrongly. Where a runtime says that it lacks them, other
 * operators that compute the same are emitted. It has to be said: nothing is tried, and a kernel that is missing unsaid is an error of the run.
 */
export const LACKS = ['ConvTranspose 3-D', 'Conv 3k channels'] as const

export type Lack = (typeof LACKS)[number]

export interface Runtime {
  /** For people and provenance, such as `onnxruntime-node 1.30.0 (cpu)`. */
  readonly name: string
  /** What it has no kernel for; backward passes that are made for it do without. Default: nothing. */
  readonly lacks?: readonly Lack[]
  /** Loads a model. Rejects with `runtime-failed`. */
  createSession(model: ModelFile, options?: SessionOptions): Promise<Session>
}
