/** Puts a target into the graph: what of it is not its form is a run-time input, so that another class costs no new session. */

import type { Dim, ValueInfo } from '../core/runtime.js'
import type { DataType } from '../core/tensor.js'
import { Builder, declare } from '../onnx/builder.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import type { Answer } from './answer.js'
import { targetKind } from './index.js'
import type { Appended, TargetForm } from './target.js'

/** A run-time input of a target. */
export interface TargetInput {
  /** What it is: `target`, `other`, `mask`, ... */
  readonly role: string
  /** Its name in the graph: the role, or the next free name where the model has that: `target_1`. */
  readonly name: string
  readonly type: DataType
  /** Behind the batch. */
  readonly dims: readonly Dim[]
  /** For people. */
  readonly meaning: string
}

/** Value names of an appended target, over a batch of N pictures. */
export interface AppendedTarget extends Appended {
  readonly inputs: readonly TargetInput[]
}

/** What is appended, and to what. */
export interface AppendRequest {
  readonly answer: Answer
  readonly form: TargetForm
  /** The value that is explained. */
  readonly end: string
  /** The declared extent of the batch of the target's inputs. */
  readonly batch: number | string
  /** True where nothing is left open, and the inputs' batch is not the pictures'. */
  readonly settled?: boolean
}

/** Appends the scores and the seed of a target. The inputs, `[N,...]`, may be `[1,...]` for all pictures. */
export function appendTarget(
  graph: Graph,
  shapes: Shapes,
  { answer, form, end, batch, settled = false }: AppendRequest,
): { readonly graph: Graph; readonly shapes: Shapes; readonly target: AppendedTarget } {
  const b = new Builder(graph, shapes)
  const inputs: TargetInput[] = []
  const input = (role: string, type: DataType, dims: readonly Dim[], meaning: string): string => {
    const name = freeName(graph, role)
    inputs.push({ role, name, type, dims, meaning })
    b.know(name, type, [batch, ...dims])
    return name
  }
  const appended = b.scope('onnxplain/target', () =>
    targetKind(form.kind).append(form, { b, answer, end, batch, input, settled }),
  )
  const known = new Map<string, ValueInfo>(shapes)
  for (const name of [...inputs.map((i) => i.name), ...b.nodes.flatMap((node) => node.outputs)])
    if (b.type(name) ?? b.dims(name)) known.set(name, { name, type: b.type(name), dims: b.dims(name) })
  const declared = inputs.map(({ name, type, dims }) => declare(name, type, [batch, ...dims]))
  return {
    graph: b.finish({ inputs: [...graph.inputs, ...declared] }),
    shapes: known,
    target: { ...appended, inputs },
  }
}

/** The first name of an input that is free in the graph: `target`, `target_1`, ... */
export function freeName(graph: Graph, role: string): string {
  let name = role
  for (let n = 1; graph.has(name); n++) name = `${role}_${n}`
  return name
}
