/** A network's sessions: what their files hold, what they are fed, and what is read of their results. */
import { ExplainError } from '../core/errors.js'
import type { Lack, ModelFile, Session } from '../core/runtime.js'
import { float32, isFloat32, sizeOf, type Tensor } from '../core/tensor.js'
import { Builder, declare } from '../onnx/builder.js'
import { encodeSkeleton } from '../onnx/encode.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import { protoType } from '../onnx/tensors.js'
import { fillConvChannels } from '../passes/conv-channels.js'
import { prune } from '../passes/prune.js'
import type { Answer } from '../targets/answer.js'
import type { Feed } from './feed.js'
import type { PictureInput } from './input.js'
import { type OtherInput, repeatRow } from './others.js'
import type { RunnablePlan } from './plan.js'

export type Result = Readonly<Record<string, Tensor>>

export interface SessionParts {
  readonly shapes: Shapes
  readonly input: PictureInput
  readonly others: readonly OtherInput[]
  readonly answer: Answer
  readonly lacks: readonly Lack[] | undefined
}

/** The logits of a float16 network as float32. */
const NARROW_LOGITS = 'onnxplain/logits'

export class SessionFiles {
  readonly #shapes: Shapes
  readonly #input: PictureInput
  readonly #others: readonly OtherInput[]
  readonly #answer: Answer
  readonly #lacks: readonly Lack[] | undefined

  constructor(parts: SessionParts) {
    this.#shapes = parts.shapes
    this.#input = parts.input
    this.#others = parts.others
    this.#answer = parts.answer
    this.#lacks = parts.lacks
  }

  /** What a session is fed: its own inputs only, rows repeated for as many pictures as there are. */
  feeds(session: Session, { pictures, others }: Feed): Readonly<Record<string, Tensor>> {
    const batch = this.#filled(pictures)
    const wanted = new Set(session.inputs.map((i) => i.name))
    const rows = this.#others.flatMap(({ name, batch: kind }): [string, Tensor][] => {
      const given = others[name]
      if (!given || !wanted.has(name)) return []
      return [[name, kind === 'row' ? repeatRow(given, batch.dims[0] ?? 1) : given]]
    })
    return { ...(wanted.has(this.#input.name) ? { [this.#input.name]: batch } : {}), ...Object.fromEntries(rows) }
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

  /** The file of a plan: its maps, its score, and a classifier's logits. */
  planFile({ graph, maps, score }: RunnablePlan): ModelFile {
    return this.file(graph, [...maps.map((m) => m.output), ...(score === undefined ? [] : [score])])
  }

  /** The graph with `outputs` and, unless told otherwise, the logits, as float32: which is all that is computed then. */
  file(graph: Graph, outputs: readonly string[], answers = this.#answer.kind === 'classes'): ModelFile {
    const own = graph.outputs.filter((o) => outputs.includes(o.name))
    const b = new Builder(graph, this.#shapes)
    const narrow = answers && (b.type(this.#answer.logits) ?? 'float32') !== 'float32'
    if (narrow) b.alias(b.op('Cast', [this.#answer.logits], { to: protoType('float32') }), NARROW_LOGITS)
    const logits = declare(narrow ? NARROW_LOGITS : this.#answer.logits, 'float32')
    const whole = b.finish({ outputs: [...(answers ? [logits] : []), ...own] })
    return sessionFile(whole, this.#shapes, this.#lacks)
  }

  /** The logits of `count` pictures; none where the model is no classifier. */
  rows(result: Readonly<Record<string, Tensor>>, count: number): readonly Float32Array[] {
    const { kind, logits, classes } = this.#answer
    if (kind !== 'classes') return []
    const { data } = float32Of(result, result[NARROW_LOGITS] ? NARROW_LOGITS : logits)
    return Array.from({ length: count }, (_, i) => data.subarray(i * classes, (i + 1) * classes))
  }
}

/** A graph as a file for a session: what its outputs need, for a runtime that lacks some kernels. */
export function sessionFile(graph: Graph, shapes: Shapes, lacks: readonly Lack[] | undefined): ModelFile {
  const filled = lacks?.includes('Conv 3k channels') ? fillConvChannels(graph, shapes) : graph
  return encodeSkeleton(prune(filled, { dropInputs: true }))
}

/** A result that has to be float32. Throws `runtime-failed`. */
export function float32Of(result: Result, name: string): Tensor<'float32'> {
  const value = result[name]
  if (value && isFloat32(value)) return value
  throw new ExplainError('runtime-failed', { what: `"${name}" came out as ${value?.type ?? 'nothing'}, not float32` })
}
