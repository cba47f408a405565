/**
 * Types and shapes of every value, as ONNX Runtime infers them: the graph's skeleton is loaded with each value as an
 * untyped output, and the session's metadata is read; no run. What that leaves open (a rank that may be unknown, axes
 * that are computed) is settled by two runs that differ in all free axes and in the numbers fed: axes that agree are
 * constants, unless integers are fed (shapes, axes, counts), on which any extent may depend.
 */
import type { Dim, Runtime, Session, ValueInfo } from '../core/runtime.js'
import { sizeOf, type Tensor, tensor, zeros } from '../core/tensor.js'
import { declare } from './builder.js'
import { encodeSkeleton } from './encode.js'
import type { Graph } from './ir.js'
import { declaredShapes, type Shapes, valueInfo } from './shapes.js'

/** Shapes of all values of the graph. Batch and other free axes stay symbolic. Rejects with `runtime-failed`. */
export async function probe(graph: Graph, runtime: Runtime): Promise<Shapes> {
  const declared = declaredShapes(graph)
  const computed = graph.nodes.flatMap((n) => n.outputs.filter((o) => o !== ''))
  const kept = graph.outputs.map((o) => o.name)
  const own = new Set(kept)
  const everything = [...graph.outputs, ...computed.filter((v) => !own.has(v)).map((v) => declare(v))]
  const session = await runtime.createSession(encodeSkeleton(graph.with({ outputs: everything })), {
    optimization: 'disabled',
  })
  let shapes: Map<string, ValueInfo>
  try {
    shapes = new Map([...declared, ...session.outputs.map((o): [string, ValueInfo] => [o.name, o])])
  } finally {
    await session.release()
  }
  const open = session.outputs.filter((o) => isOpen(o)).map((o) => o.name)
  return open.length === 0 ? shapes : settle(graph, runtime, shapes, open)
}

/** `[]` may mean a scalar or an unknown rank; `null` is an axis without even a name. */
function isOpen(value: ValueInfo): boolean {
  return value.dims === undefined || value.dims.length === 0 || value.dims.includes(null)
}

async function settle(
  graph: Graph,
  runtime: Runtime,
  shapes: ReadonlyMap<string, ValueInfo>,
  open: readonly string[],
): Promise<Shapes> {
  const asked = graph.with({ outputs: open.map((name) => declare(name)) })
  const session = await runtime.createSession(encodeSkeleton(asked), { optimization: 'basic' })
  try {
    const first = await measure(session, graph, { batch: 2, side: 224, fill: () => 0 })
    const second = await measure(session, graph, { batch: 5, side: 256, fill: (i) => Math.sin(i + 1) })
    const readsIntegers = graph.inputs.some((i) => !valueInfo(i).type?.includes('float'))
    const settled = new Map(shapes)
    for (const name of open) {
      const a = (first ?? second)?.get(name)
      const b = first && second?.get(name)
      const known = shapes.get(name)
      if (!known) continue
      if (!a) {
        if (known.dims?.length === 0) settled.set(name, { ...known, dims: undefined })
        continue
      }
      const told = known.dims?.length === a.length ? known.dims : []
      const found = a.map((d, i): Dim => told[i] ?? (b && d === b[i] && !readsIntegers ? d : null))
      settled.set(name, { ...known, dims: b && a.length !== b.length ? undefined : found })
    }
    return settled
  } finally {
    await session.release()
  }
}

/** Output shapes for numbers made by `fill` (integers: zeros) with free axes set to `free`; undefined where the model does not run so. */
async function measure(
  session: Session,
  graph: Graph,
  free: { readonly batch: number; readonly side: number; readonly fill: (i: number) => number },
): Promise<ReadonlyMap<string, readonly number[]> | undefined> {
  const feeds: Record<string, Tensor> = {}
  for (const proto of graph.inputs) {
    const { name, type, dims } = valueInfo(proto)
    if (type === undefined || dims === undefined) return undefined
    const sizes = dims.map((d, axis) => (typeof d === 'number' ? d : axis === 0 ? free.batch : free.side))
    const data = zeros(type, sizeOf(sizes))
    if (data instanceof Float32Array || data instanceof Float64Array)
      for (const i of data.keys()) data[i] = free.fill(i)
    feeds[name] = tensor(type, sizes, data)
  }
  try {
    const out = await session.run(feeds)
    return new Map(Object.entries(out).map(([name, t]) => [name, t.dims]))
  } catch {
    return undefined
  }
}
