/** Runs a model's plans: one session a plan, kept in a small cache together with it. */
import { ExplainError } from '../core/errors.js'
import type { ModelFile, OptimizationLevel, Runtime, Session } from '../core/runtime.js'
import { float32, int64, isFloat32, sizeOf, sliceFirst, type Tensor } from '../core/tensor.js'
import type { CompiledMethod } from '../methods/method.js'
import { Builder, declare } from '../onnx/builder.js'
import { encodeSkeleton } from '../onnx/encode.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { protoType } from '../onnx/tensors.js'
import { prune } from '../passes/prune.js'
import type { Answer } from '../targets/answer.js'
import { BEST, type Score } from '../targets/target.js'
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

  /** The logits of each picture of a batch, which is filled up where the model's batch is fixed. */
  async forward(pictures: Tensor<'float32'>): Promise<readonly Float32Array[]> {
    const count = pictures.dims[0] ?? 0
    const batch = this.#filled(pictures)
    const result = await this.#sessions.use(
      'forward',
      () => this.#file(this.#graph, []),
      (session) => session.run({ [this.#input.name]: batch }),
    )
    return this.#rows(result, count)
  }

  /** Logits and maps of one picture: in one run where targets share the forward pass, else in as many as they need. */
  async maps(request: PlanRequest, picture: Tensor<'float32'>, indices: readonly number[]): Promise<PlanRun> {
    const { methods, layer, score } = request
    const key = JSON.stringify([methods.map((m) => m.id), score, layer])
    const plan =
      this.#plans.get(key) ??
      compile(this.#graph, {
        method: methods.map((m) => m.id),
        layer,
        score,
        shapes: this.#shapes,
        answer: this.#answer.output,
      })
    this.#plans.set(key, plan)
    // without a shared forward pass a batch is not faster than run after run, and takes more memory (npm run bench)
    const runs = plan.sharesForward ? [indices] : chunks(indices, this.#input.batch ?? 1)
    const parts = await this.#sessions.use(
      key,
      () =>
        this.#file(
          plan.graph,
          plan.maps.map((m) => m.output),
        ),
      async (session) => {
        const done: RunPart[] = []
        for (const run of runs) done.push(await this.#once(session, plan, picture, run))
        return done
      },
    )
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

  async #once(session: Session, plan: Plan, picture: Tensor<'float32'>, indices: readonly number[]): Promise<RunPart> {
    const fixed = plan.batched ? indices.length : (this.#input.batch ?? 1)
    const classes = Array.from({ length: fixed }, (_, i) => indices[i] ?? BEST)
    const target = plan.maps.length > 0 ? { [plan.target]: int64([fixed], classes) } : {}
    const result = await session.run({ [this.#input.name]: this.#filled(picture), ...target })
    const raws = plan.maps.map(({ output }) => {
      const map = this.#float(result, output)
      return indices.map((_, i) => sliceFirst(map, i))
    })
    return { logits: this.#rows(result, 1)[0] ?? new Float32Array(), raws }
  }

  /** A batch as large as the model's fixed one, its last picture repeated; itself where the batch is free. */
  #filled(pictures: Tensor<'float32'>): Tensor<'float32'> {
    const [count = 0, ...rest] = pictures.dims
    const batch = this.#input.batch ?? count
    if (batch <= count) return pictures
    const size = sizeOf(rest)
    const data = new Float32Array(batch * size)
    const last = pictures.data.subarray((count - 1) * size)
    data.set(pictures.data)
    for (let i = count; i < batch; i++) data.set(last, i * size)
    return float32([batch, ...rest], data)
  }

  /** The graph with the logits, as float32, and `outputs` alone, which is all that is computed then. */
  #file(graph: Graph, outputs: readonly string[]): ModelFile {
    const own = graph.outputs.filter((o) => outputs.includes(o.name))
    const b = new Builder(graph, this.#shapes)
    const narrow = (b.type(this.#answer.logits) ?? 'float32') !== 'float32'
    if (narrow) b.alias(b.op('Cast', [this.#answer.logits], { to: protoType('float32') }), NARROW_LOGITS)
    const logits = declare(narrow ? NARROW_LOGITS : this.#answer.logits, 'float32')
    return encodeSkeleton(prune(b.finish({ outputs: [logits, ...own] }), { dropInputs: true }))
  }

  #rows(result: Readonly<Record<string, Tensor>>, count: number): readonly Float32Array[] {
    const { logits, classes } = this.#answer
    const { data } = this.#float(result, result[NARROW_LOGITS] ? NARROW_LOGITS : logits)
    return Array.from({ length: count }, (_, i) => data.subarray(i * classes, (i + 1) * classes))
  }

  #float(result: Readonly<Record<string, Tensor>>, name: string): Tensor<'float32'> {
    const value = result[name]
    if (value && isFloat32(value)) return value
    throw new ExplainError('runtime-failed', { what: `"${name}" came out as ${value?.type ?? 'nothing'}, not float32` })
  }
}

/** The logits of a float16 network as float32. */
const NARROW_LOGITS = 'onnxplain/logits'

/** What one run gives: raw maps by map and target. */
interface RunPart {
  readonly logits: Float32Array
  readonly raws: readonly (readonly Tensor<'float32'>[])[]
}

function chunks(indices: readonly number[], size: number): readonly (readonly number[])[] {
  return Array.from({ length: Math.ceil(indices.length / size) }, (_, i) => indices.slice(i * size, (i + 1) * size))
}
