/** A sample made concrete: tensors, the model around the operator, the gradient that arrives, and a hash of it all. */
import { createHash } from 'node:crypto'
import type { Dim, Runtime, Session } from '../../src/core/runtime.js'
import { float32, int64, isFloat32, sizeOf, type Tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { encode } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { lower } from '../../src/passes/lower.js'
import { model, type NodeSpec } from '../support/model.js'
import { random, seedOf } from '../support/random.js'
import { isPinned, type Sample, SINCE_18 } from './sample.js'

/** How much the model tells of its inputs' shapes. */
export const DECLARATIONS = ['static', 'symbolic', 'none'] as const
export type Declaration = (typeof DECLARATIONS)[number]

export interface Case {
  readonly key: string
  readonly op: string
  readonly sample: Sample
  /** By value name: `x0`, `x1`, ... for the operator's inputs. */
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly stored: ReadonlySet<string>
  readonly wrt: readonly string[]
  readonly of: string
  readonly ofType: 'float32' | 'float64'
  readonly ofDims: readonly number[]
  /** The gradient that arrives at `of`. */
  readonly gy: Tensor
  /** Of all that a gradient depends on: says whether a fixture still belongs to the sample. */
  readonly hash: string
}

export type FloatTensor = Tensor<'float32'> | Tensor<'float64'>

export function isFloat(t: Tensor | undefined): t is FloatTensor {
  return t !== undefined && (isFloat32(t) || t.type === 'float64')
}

/** The opsets of a sample, the one that is tested in full first. */
export function opsetsOf(sample: Sample): readonly [number, ...number[]] {
  const [first = 18, ...others] = sample.opsets ?? SINCE_18
  return [first, ...others]
}

export async function makeCase(op: string, sample: Sample, runtime: Runtime): Promise<Case> {
  const key = `${op}/${sample.name}`
  const tensors = new Map<string, Tensor>()
  const stored = new Set<string>()
  const wrt: string[] = []
  for (const [i, spec] of [...sample.inputs, ...(sample.captured ?? [])].entries()) {
    if (!spec) continue
    const name = `x${i}`
    tensors.set(name, spec.make(random(seedOf(`${key}/${i}`))))
    if (spec.stored) stored.add(name)
    if (spec.wanted) wrt.push(name)
  }
  const [of = 0, ...more] = sample.of ?? [0]
  const partial = {
    key,
    op,
    sample,
    tensors,
    stored,
    wrt,
    of: sample.behind?.at(-1)?.outputs[0] ?? (more.length > 0 ? 'joined' : `y${of}`),
  }
  const forward = await withSession(runtime, runnable(partial), (s) => s.run(feedsOf(partial)))
  const y = forward[partial.of]
  if (!isFloat(y)) throw new Error(`${key}: output ${partial.of} is ${y?.type}, not float32 or float64`)
  const r = random(seedOf(`${key}/gy`))
  const gy = isPinned(sample) ? sample.pin.gy : Array.from({ length: sizeOf(y.dims) }, () => r.normal())
  const seed: FloatTensor =
    y.type === 'float32' ? float32(y.dims, gy) : { type: 'float64', dims: y.dims, data: Float64Array.from(gy) }
  return { ...partial, ofType: y.type, ofDims: y.dims, gy: seed, hash: hashOf(partial, seed) }
}

type PartialCase = Pick<Case, 'key' | 'op' | 'sample' | 'tensors' | 'stored' | 'wrt' | 'of'> &
  Partial<Pick<Case, 'ofType' | 'ofDims'>>

/** The model: the operator, and behind it the joining of its outputs where several are differentiated. */
export function modelOf(c: PartialCase, declaration: Declaration, opset: number): Graph {
  const { sample, tensors, stored } = c
  const dot = c.op.lastIndexOf('.')
  const outputs = Array.from({ length: sample.outputs ?? 1 }, (_, i) => `y${i}`)
  const node: NodeSpec = {
    op: sample.operator ?? c.op.slice(dot + 1),
    domain: c.op.slice(0, Math.max(dot, 0)),
    inputs: sample.inputs.map((spec, i) => (spec ? `x${i}` : '')),
    outputs,
    attributes: sample.attributes ?? {},
  }
  const joined = (sample.of ?? [0]).length > 1 ? (sample.of ?? []) : []
  const flat = joined.map((i): NodeSpec => ({ op: 'Reshape', inputs: [`y${i}`, 'minus_one'], outputs: [`flat${i}`] }))
  const join: NodeSpec = {
    op: 'Concat',
    inputs: joined.map((i) => `flat${i}`),
    outputs: ['joined'],
    attributes: { axis: 0 },
  }
  const inputs = [...tensors].filter(([name]) => !stored.has(name))
  return model({
    opset,
    nodes: joined.length > 0 ? [node, ...flat, join] : [node, ...(sample.behind ?? [])],
    inputs: inputs.map(([name, t]) => declare(name, t.type, dimsFor(t, declaration))),
    outputs: [declare(c.of, c.ofType, declaration === 'static' ? c.ofDims : undefined)],
    initializers: {
      ...Object.fromEntries([...tensors].filter(([name]) => stored.has(name))),
      ...(joined.length > 0 ? { minus_one: int64([1], [-1]) } : {}),
    },
  })
}

/** The model as plain as it can be: all that is wanted is an input. */
export function plainModel(c: Case): Graph {
  return runnable(loosen(c))
}

/** The model as ORT can run it: as it is, or lowered where ORT has no kernel for the operator. */
export function runnable(c: PartialCase): Graph {
  const graph = modelOf(c, 'static', opsetsOf(c.sample)[0])
  return hasKernel(c.sample) ? graph : lower(graph)
}

function hasKernel(sample: Sample): boolean {
  return isPinned(sample) || sample.noKernel === undefined
}

/** The case with wanted initialisers as inputs, so that they can be changed from run to run. */
export function loosen(c: Case): Case {
  return { ...c, stored: new Set([...c.stored].filter((name) => !c.wrt.includes(name))) }
}

/**
 * Axes of the same size get the same name, so that a broadcast axis is not said to equal the one it broadcasts to. Lengths of index
 * and shape vectors stay fixed: ranks depend on them.
 */
function dimsFor(t: Tensor, declaration: Declaration): readonly Dim[] | undefined {
  if (declaration === 'none') return undefined
  if (declaration === 'static' || !isFloat(t)) return t.dims
  return t.dims.map((d, axis) => (axis === 0 ? `N${d}` : d))
}

export function feedsOf(c: PartialCase): Record<string, Tensor> {
  return Object.fromEntries([...c.tensors].filter(([name]) => !c.stored.has(name)))
}

export async function withSession<T>(
  runtime: Runtime,
  graph: Graph,
  use: (session: Session) => Promise<T>,
  optimization: 'all' | 'disabled' = 'all',
): Promise<T> {
  const session = await runtime.createSession({ bytes: encode(graph), externalData: new Map() }, { optimization })
  try {
    return await use(session)
  } finally {
    await session.release()
  }
}

function hashOf(c: PartialCase, gy: Tensor): string {
  const bytes = (t: Tensor): string => Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength).toString('hex')
  const tensors = [...c.tensors, ['gy', gy] as const].map(([name, t]) => [name, t.type, t.dims, bytes(t)])
  const { attributes, inputs, outputs, of, behind } = c.sample
  const content = [
    c.op,
    attributes,
    inputs.map((i) => i !== undefined),
    outputs,
    of,
    opsetsOf(c.sample)[0],
    c.wrt,
    tensors,
    ...(behind ? [behind] : []),
  ]
  return createHash('sha256').update(JSON.stringify(content, plain)).digest('hex').slice(0, 12)
}

/** Graphs in attributes hold int64s. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
