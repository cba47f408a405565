/** Runs a model's plans: one session a plan, kept in a small cache together with it. */
import { ExplainError } from '../core/errors.js'
import type { ModelFile, OptimizationLevel, Runtime, Session } from '../core/runtime.js'
import { int64, isFloat32, sliceFirst, type Tensor } from '../core/tensor.js'
import type { CompiledMethod } from '../methods/method.js'
import { declare } from '../onnx/builder.js'
import { encodeSkeleton } from '../onnx/encode.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { prune } from '../passes/prune.js'
import type { Answer } from '../targets/answer.js'
import { TARGET_INPUT } from '../targets/append.js'
import type { Score } from '../targets/target.js'
import { compile, type Plan, type PlannedMap } from './compile.js'
import type { PictureInput } from './input.js'
import { SessionCache } from './sessions.js'

/** What a plan is made of. */
export interface PlanRequest {
  readonly methods: readonly CompiledMethod[]
  readonly layer: string | undefined
  readonly score: Score
}

/** One map of a run: its raw maps, one a target, without the batch axis. */
export interface RunMap extends PlannedMap {
  readonly raws: readonly Tensor<'float32'>[]
}

/** A run of a plan on one picture. */
export interface PlanRun {
  readonly logits: Float32Array
  readonly maps: readonly RunMap[]
  readonly refused: Plan['refused']
}

export class Runner {
  readonly #graph: Graph
  readonly #shapes: Shapes
  readonly #input: PictureInput
  readonly #answer: Answer
  readonly #sessions: SessionCache
  readonly #plans = new Map<string, Plan>()

  constructor(
    graph: Graph,
    shapes: Shapes,
    parts: { readonly input: PictureInput; readonly answer: Answer },
    runtime: Runtime,
    optimization: OptimizationLevel,
  ) {
    this.#graph = graph
    this.#shapes = shapes
    this.#input = parts.input
    this.#answer = parts.answer
    this.#sessions = new SessionCache(runtime, { optimization })
  }

  /** The logits of each picture of a batch. */
  async forward(pictures: Tensor<'float32'>): Promise<readonly Float32Array[]> {
    const session = await this.#sessions.get('forward', () => this.#file(this.#graph, []))
    const result = await session.run({ [this.#input.name]: pictures })
    return this.#rows(result, pictures.dims[0] ?? 0)
  }

  /** Logits and maps of one picture in one run; in one run a target where the model's batch is fixed. */
  async maps(request: PlanRequest, picture: Tensor<'float32'>, indices: readonly number[]): Promise<PlanRun> {
    const { methods, layer, score } = request
    const key = JSON.stringify([methods.map((m) => m.id), score, layer])
    const plan =
      this.#plans.get(key) ??
      compile(this.#graph, { method: methods.map((m) => m.id), layer, score, shapes: this.#shapes })
    this.#plans.set(key, plan)
    const outputs = plan.maps.map((m) => m.output)
    const session = await this.#sessions.get(key, () => this.#file(plan.graph, outputs))
    const runs = plan.batched ? [indices] : indices.map((i) => [i])
    const parts: { logits: Float32Array; raws: readonly (readonly Tensor<'float32'>[])[] }[] = []
    for (const run of runs) parts.push(await this.#once(session, outputs, picture, run))
    return {
      logits: parts[0]?.logits ?? new Float32Array(),
      maps: plan.maps.map((map, m) => ({ ...map, raws: parts.flatMap((part) => part.raws[m] ?? []) })),
      refused: plan.refused,
    }
  }

  async release(): Promise<void> {
    this.#plans.clear()
    await this.#sessions.release()
  }

  async #once(
    session: Session,
    outputs: readonly string[],
    picture: Tensor<'float32'>,
    indices: readonly number[],
  ): Promise<{ logits: Float32Array; raws: readonly (readonly Tensor<'float32'>[])[] }> {
    const target = int64([indices.length], indices)
    const feeds = { [this.#input.name]: picture, ...(outputs.length > 0 ? { [TARGET_INPUT]: target } : {}) }
    const result = await session.run(feeds)
    const raws = outputs.map((output) => {
      const map = this.#float(result, output)
      return indices.map((_, i) => sliceFirst(map, i))
    })
    return { logits: this.#rows(result, 1)[0] ?? new Float32Array(), raws }
  }

  /** The graph with the logits and `outputs` alone, which is all that is computed then. */
  #file(graph: Graph, outputs: readonly string[]): ModelFile {
    const own = graph.outputs.filter((o) => outputs.includes(o.name))
    const logits = declare(this.#answer.logits, 'float32')
    return encodeSkeleton(prune(graph.with({ outputs: [logits, ...own] }), { dropInputs: true }))
  }

  #rows(result: Readonly<Record<string, Tensor>>, count: number): readonly Float32Array[] {
    const { logits, classes } = this.#answer
    const { data } = this.#float(result, logits)
    return Array.from({ length: count }, (_, i) => data.subarray(i * classes, (i + 1) * classes))
  }

  #float(result: Readonly<Record<string, Tensor>>, name: string): Tensor<'float32'> {
    const value = result[name]
    if (value && isFloat32(value)) return value
    throw new ExplainError('runtime-failed', { what: `"${name}" came out as ${value?.type ?? 'nothing'}, not float32` })
  }
}
