/**
 * Types and shapes of every value, as ONNX Runtime infers them: the graph's skeleton is loaded with each value as an
 * untyped output, and the session's metadata is read; no run. What that leaves open (a rank that may be unknown, axes
 * that are computed) is settled at two sizes that differ in all free axes: axes that agree are constants. At a given size
 * ORT's constant folding sees through most computed axes, still without a run. What it does not see through is run. An axis
 * that rests on numbers that are fed (boxes that are left, a shape that is an input) is never taken for a constant. Axes that are the same multiple of the batch at both sizes are named so.
 */
import { TensorProto_DataType as ProtoType } from 'onnx-buf'
import { ExplainError } from '../core/errors.js'
import type { Dim, Runtime, Session, ValueInfo } from '../core/runtime.js'
import { sizeOf, type Tensor, tensor, zeros } from '../core/tensor.js'
import { intOf, tensorOf } from '../onnx/attributes.js'
import { Builder, declare } from '../onnx/builder.js'
import { encodeSkeleton } from '../onnx/encode.js'
import type { Graph, Node } from '../onnx/ir.js'
import { declaredShapes, type Shapes, valueInfo } from '../onnx/shapes.js'
import { dataType } from '../onnx/tensors.js'
import { bodies } from './bodies.js'
import { lower } from './lower.js'
import { quantisedType } from './quantised/quantisation.js'
import { sizedByNumbers } from './sized-by-numbers.js'

export interface ProbeOptions {
  /** The size of picture that the model was made for: tried where it takes no other, though its axes are declared free. Default: 224 x 224. */
  readonly size?: PictureSize | undefined
}

interface PictureSize {
  readonly height: number
  readonly width: number
}

const USUAL: PictureSize = { height: 224, width: 224 }

/**
 * Shapes of all values of the graph, of those that lowering adds to it, and of those inside its nodes. Batch and other free axes stay symbolic. Rejects with
 * `runtime-failed`, and throws what `lower` throws.
 */
export async function probe(model: Graph, runtime: Runtime, { size }: ProbeOptions = {}): Promise<Shapes> {
  const graph = lower(model)
  const declared = declaredShapes(graph)
  const named = graph.nodes.filter((n) => !UNNAMED.has(typeMade(graph, n)))
  const computed = named.flatMap((n) => n.outputs.filter((o) => o !== ''))
  const kept = graph.outputs.map((o) => o.name)
  const own = new Set(kept)
  const everything = [...graph.outputs, ...computed.filter((v) => !own.has(v)).map((v) => declare(v))]
  const session = await runtime.createSession(encodeSkeleton(graph.with({ outputs: everything })), {
    optimization: 'disabled',
    packed: false,
  })
  await session.release()
  // what an exporter calls an output's axis says nothing where no input has one of that name
  const given = new Set(graph.inputs.flatMap((i) => valueInfo(i).dims ?? []))
  const isTold = (d: Dim): boolean => typeof d === 'number' || given.has(d)
  const told = session.outputs.map((o) =>
    own.has(o.name) ? { ...o, dims: o.dims?.map((d) => (isTold(d) ? d : null)) } : o,
  )
  const shapes = new Map([...declared, ...told.map((o): [string, ValueInfo] => [o.name, o])])
  const open = told.filter((o) => isOpen(o)).map((o) => o.name)
  const known = new Map(open.length === 0 ? shapes : await settle(graph, runtime, shapes, open, size ?? USUAL))
  for (const { name, dims } of session.outputs) {
    const info = known.get(name)
    if (info?.dims && dims?.length === info.dims.length)
      known.set(name, { ...info, dims: info.dims.map((d, i) => d ?? dims[i] ?? null) })
  }
  return new Map([...(await probeBodies(graph, runtime, known)), ...known])
}

/** Shapes of the values inside nodes. A body that does not stand alone (it takes a sequence, say) tells none. */
async function probeBodies(graph: Graph, runtime: Runtime, shapes: Shapes): Promise<Shapes> {
  const found = new Map<string, ValueInfo>()
  for (const body of bodies(graph, shapes))
    try {
      for (const [name, info] of await probe(body, runtime)) found.set(name, info)
    } catch (error) {
      if (!(error instanceof ExplainError) || error.code !== 'runtime-failed') throw error
    }
  return found
}

/** Types that ONNX Runtime's JavaScript cannot name: it does not load a model that gives them. */
const UNNAMED: ReadonlySet<number> = new Set([
  ProtoType.BFLOAT16,
  ProtoType.FLOAT8E4M3FN,
  ProtoType.FLOAT8E4M3FNUZ,
  ProtoType.FLOAT8E5M2,
  ProtoType.FLOAT8E5M2FNUZ,
  ProtoType.FLOAT4E2M1,
])

/** ONNX's number of the type that a node states for its output. */
function typeMade(graph: Graph, node: Node): number {
  if (node.op === 'QuantizeLinear') return quantisedType(graph, node)
  if (node.op === 'Cast') return intOf(node, 'to', 0)
  return node.op === 'Constant' ? (tensorOf(node, 'value')?.dataType ?? 0) : 0
}

/** `[]` may mean a scalar or an unknown rank; `null` is an axis without even a name. */
function isOpen(value: ValueInfo): boolean {
  return value.dims === undefined || value.dims.length === 0 || value.dims.includes(null)
}

/** What the free axes of the inputs are set to, and what is fed where a run is needed. */
interface Setting extends PictureSize {
  readonly batch: number
  /** Of texts. */
  readonly words: number
  readonly fill: (i: number) => number
}

// of other shapes too: what a model itself makes of a picture's longer side would be a constant at two squares
const FIRST: Setting = { batch: 2, height: 224, width: 288, words: 7, fill: () => 0 }
const SECOND: Setting = { batch: 5, height: 256, width: 192, words: 9, fill: (i) => Math.sin(i + 1) }

/** Elements of a weight that is not worth loading where only shapes are asked for. */
const LARGE = 1024

/** Extents by value name. */
type Extents = ReadonlyMap<string, readonly number[]>

async function settle(
  graph: Graph,
  runtime: Runtime,
  shapes: ReadonlyMap<string, ValueInfo>,
  open: readonly string[],
  size: PictureSize,
): Promise<Shapes> {
  // only a tensor has a shape to ask for: a sequence has none
  const asked = open.filter((name) => shapes.get(name)?.type !== undefined)
  let first = await measure(graph, runtime, asked, FIRST)
  // axes that are declared free may not be: position embeddings take one size of picture alone
  const fixed = asked.every((name) => first.has(name))
    ? undefined
    : await measure(graph, runtime, asked, { ...FIRST, ...size })
  const isFixed = fixed !== undefined && fixed.size > first.size
  if (isFixed) first = fixed
  const second = await measure(graph, runtime, asked, isFixed ? { ...SECOND, ...size } : SECOND)
  const unsure = sizedByNumbers(graph)
  const batch = batchName(graph)
  const settled = new Map(shapes)
  for (const name of open) {
    const a = first.get(name) ?? second.get(name)
    const b = first.has(name) ? second.get(name) : undefined
    const known = shapes.get(name)
    if (!known) continue
    if (!a) {
      if (known.dims?.length === 0) settled.set(name, { ...known, dims: undefined })
      continue
    }
    const told = known.dims?.length === a.length ? known.dims : []
    const found = a.map((d, i): Dim => told[i] ?? (b && !unsure.has(name) ? axis(d, b[i] ?? d, batch) : null))
    settled.set(name, { ...known, dims: b && a.length !== b.length ? undefined : found })
  }
  if (isFixed)
    for (const [name, sizes] of sizesAt(graph, { ...FIRST, ...size })) {
      const info = settled.get(name)
      // pictures alone: a text may have another length
      const dims = info?.dims?.map(
        (d, i): Dim => (typeof d === 'number' || i === 0 || sizes.length < 4 ? d : (sizes[i] ?? d)),
      )
      if (info && dims) settled.set(name, { ...info, dims })
    }
  return settled
}

/** The one name that the inputs' free first axes have; undefined where there are several, or an axis without a name. */
function batchName(graph: Graph): string | undefined {
  const leading = graph.inputs.map((i) => valueInfo(i).dims?.[0]).filter((d) => typeof d !== 'number')
  const names = new Set(leading)
  const [name] = leading
  return names.size === 1 && typeof name === 'string' ? name : undefined
}

/** What two measured extents tell: a constant, the batch or a multiple of it, or nothing. */
function axis(first: number, second: number, batch: string | undefined): Dim {
  if (first === second) return first
  const times = first / FIRST.batch
  if (batch === undefined || !Number.isInteger(times) || times * SECOND.batch !== second) return null
  return times === 1 ? batch : `${times}*${batch}`
}

/** The extents of values at one setting, as far as they can be known: folded where that will do, else run. */
async function measure(graph: Graph, runtime: Runtime, names: readonly string[], at: Setting): Promise<Extents> {
  const folded = await fold(graph, runtime, names, at)
  const rest = names.filter((name) => !folded.has(name))
  return rest.length === 0 ? folded : new Map([...folded, ...(await run(graph, runtime, rest, at))])
}

/**
 * The sizes of the inputs at a setting; axes of one name have one size. A free axis of channels has the size that a convolution's weights take, one of whole
 * numbers is the length of a text.
 */
function sizesAt(graph: Graph, { batch, height, width, words }: Setting): ReadonlyMap<string, readonly number[]> {
  const named = new Map<string, number>()
  const sizes = graph.inputs.map((proto): [string, readonly number[]] => {
    const { name, type, dims = [] } = valueInfo(proto)
    const reader = convReading(graph, name)
    const each = graph.initializers.get(reader?.inputs[1] ?? '')?.dims[1]
    const channels = reader && each !== undefined ? Number(each) * intOf(reader, 'group', 1) : height
    const isText = type?.includes('int') === true && dims.length === 2
    const free = [batch, isText ? words : dims.length > 2 ? channels : height, height, width]
    const own = dims.map((d, axis) => {
      if (typeof d === 'number') return d
      const size = (d === null ? undefined : named.get(d)) ?? free[axis] ?? width
      if (d !== null) named.set(d, size)
      return size
    })
    return [name, own]
  })
  return new Map(sizes)
}

/** The convolution that reads an input, as it is or in another type. */
function convReading(graph: Graph, input: string): Node | undefined {
  for (const node of graph.consumers(input)) {
    if (node.domain !== '' || node.inputs[0] !== input) continue
    if (node.op === 'Conv') return node
    const found = node.op === 'Cast' || node.op === 'Identity' ? convReading(graph, node.outputs[0] ?? '') : undefined
    if (found) return found
  }
  return undefined
}

/** Adds a `Shape` node for each name: the shape's name by the value's. */
function withShapes(
  graph: Graph,
  names: readonly string[],
): { readonly graph: Graph; readonly of: Map<string, string> } {
  const builder = new Builder(graph)
  const of = new Map(names.map((name) => [name, builder.op('Shape', [name])]))
  return { graph: graph.with({ nodes: [...graph.nodes, ...builder.nodes] }), of }
}

/** What ORT infers and folds where the inputs are declared with the setting's sizes; nothing where it does not load so. */
async function fold(graph: Graph, runtime: Runtime, names: readonly string[], at: Setting): Promise<Extents> {
  const sizes = sizesAt(graph, at)
  const inputs = graph.inputs.map((proto) => {
    const { name, type, dims } = valueInfo(proto)
    return type && dims ? declare(name, type, sizes.get(name) ?? []) : proto
  })
  // no shape rests on the numbers of a large weight: as an input it is neither loaded nor folded into others
  const initializers = new Map(graph.initializers)
  for (const [name, t] of graph.initializers) {
    const [type, dims] = [dataType(t.dataType), t.dims.map(Number)]
    if (!type?.startsWith('float') || sizeOf(dims) < LARGE) continue
    initializers.delete(name)
    inputs.push(declare(name, type, dims))
  }
  // a value without axes may be a scalar, or of unknown rank: its Shape has 0 elements, or an unknown number
  const { graph: sized, of } = withShapes(graph.with({ inputs, initializers }), names)
  const outputs = [...names, ...of.values()].map((name) => declare(name))
  const told = await inSession(sized.with({ outputs }), runtime, (session) => Promise.resolve(session.outputs))
  const dims = new Map(told?.map((o) => [o.name, o.dims]))
  const found = new Map<string, readonly number[]>()
  for (const [name, shape] of of) {
    const [own, rank] = [dims.get(name), dims.get(shape)?.[0]]
    const extents = own?.filter((d) => typeof d === 'number')
    if (extents && extents.length === own?.length && extents.length === rank) found.set(name, extents)
  }
  return found
}

/**
 * Extents in a run on numbers made by `fill` (integers: zeros); nothing where the model does not run so. Only `Shape`s are
 * fetched: a value that were fetched itself would be kept to the end of the run.
 */
async function run(graph: Graph, runtime: Runtime, names: readonly string[], at: Setting): Promise<Extents> {
  const feeds: Record<string, Tensor> = {}
  const all = sizesAt(graph, at)
  for (const proto of graph.inputs) {
    const { name, type, dims } = valueInfo(proto)
    if (type === undefined || dims === undefined) return new Map()
    const sizes = all.get(name) ?? []
    const data = zeros(type, sizeOf(sizes))
    if (data instanceof Float32Array || data instanceof Float64Array) for (const i of data.keys()) data[i] = at.fill(i)
    feeds[name] = tensor(type, sizes, data)
  }
  const { graph: measuring, of } = withShapes(graph, names)
  const outputs = [...of.values()].map((name) => declare(name))
  const out = await inSession(measuring.with({ outputs }), runtime, (session) => session.run(feeds))
  const found = new Map<string, readonly number[]>()
  for (const [name, shape] of of) {
    const extents = out?.[shape]
    if (extents) found.set(name, Array.from(extents.data, Number))
  }
  return found
}

/** What `use` makes of a session on the graph; undefined where the graph does not load, or does not run. */
async function inSession<T>(
  graph: Graph,
  runtime: Runtime,
  use: (session: Session) => Promise<T>,
): Promise<T | undefined> {
  let session: Session | undefined
  try {
    session = await runtime.createSession(encodeSkeleton(graph), { optimization: 'basic', packed: false })
    return await use(session)
  } catch {
    return undefined
  } finally {
    await session?.release()
  }
}
