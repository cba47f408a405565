/**
 * Opset upgrade. Requires: opset 7 or newer. Guarantees: opset {@link MINIMUM_OPSET} or newer, every node in the form of
 * that opset, in graphs inside nodes too, the same answers, the same value names. So backward rules read and emit one form of each operator.
 *
 * Operators whose form did not change need no entry. Source: the "version" sections of ONNX's Changelog.md.
 */
import { ExplainError } from '../core/errors.js'
import { float32, int64, type Tensor } from '../core/tensor.js'
import { attributes, floatOf, floatsOf, intOf, intsOf, stringOf } from '../onnx/attributes.js'
import { Builder } from '../onnx/builder.js'
import { describe, type Graph, type Node } from '../onnx/ir.js'
import { withAttributes } from '../onnx/subgraphs.js'
import { everywhere } from './everywhere.js'

/** The lowest opset that rules read and emit. Newer ones are left as they are. */
export const MINIMUM_OPSET = 18
const OLDEST_OPSET = 7

type Convert = (node: Node, b: Builder, opset: number) => readonly Node[]

/** One change of an operator's form: nodes of opsets below `before` are converted. */
interface Change {
  readonly before: number
  readonly convert: Convert
}

function without(node: Node, names: readonly string[]): Node {
  return { ...node, attributes: new Map([...node.attributes].filter(([name]) => !names.includes(name))) }
}

/** Moves attributes to inputs: `positions` says which attribute becomes which input. */
function toInputs(
  positions: Readonly<Record<string, number>>,
  read: (node: Node, name: string) => Tensor | undefined,
): Convert {
  return (node, b) => {
    const inputs = [...node.inputs]
    for (const [name, position] of Object.entries(positions)) {
      const value = read(node, name)
      if (!value) continue
      while (inputs.length <= position) inputs.push('')
      inputs[position] = b.constant(value, `${node.op}_${name}`)
    }
    return [{ ...without(node, Object.keys(positions)), inputs }]
  }
}

function ints(node: Node, name: string): Tensor | undefined {
  const values = intsOf(node, name, undefined)
  return values && int64([values.length], values)
}

function floatScalar(node: Node, name: string): Tensor | undefined {
  return node.attributes.has(name) ? float32([], [floatOf(node, name, 0)]) : undefined
}

/** `axes` became an input of the reductions. */
const AXES_TO_INPUT: Convert = toInputs({ axes: 1 }, ints)
const reduceAt18: readonly Change[] = [{ before: 18, convert: AXES_TO_INPUT }]

/** Before opset 13 the input was flattened to 2-D at `axis` (default 1), and the operator ran over the second part. */
const flattenedAxis: Convert = (node, b) => {
  const [x = ''] = node.inputs
  const axis = intOf(node, 'axis', 1)
  const rank = b.rank(x) ?? rankByProducer(b.graph, x)
  if (axis === -1 || (rank !== undefined && axis === rank - 1)) return [withAttributes(node, { axis: -1 })]
  const flat = b.fresh(`${node.name || node.op}/flat`)
  const over = b.fresh(`${node.name || node.op}/over`)
  const shape = b.fresh(`${node.name || node.op}/shape`)
  const plain = (op: string, inputs: readonly string[], output: string, values = {}, name = output): Node => ({
    op,
    domain: '',
    name,
    inputs,
    outputs: [output],
    attributes: attributes(values),
  })
  return [
    plain('Shape', [x], shape),
    plain('Flatten', [x], flat, { axis }),
    { ...withAttributes(node, { axis: -1 }), inputs: [flat], outputs: [over] },
    // the node's own name may be its output's, and ORT wants node names to differ
    plain('Reshape', [over, shape], node.outputs[0] ?? '', {}, `${over}/shaped`),
  ]
}

/** Operators that always make a matrix. */
function rankByProducer(graph: Graph, value: string): number | undefined {
  const op = graph.producer(value)?.op
  return op === 'Gemm' || op === 'Flatten' ? 2 : undefined
}

/**
 * `Upsample`, and `Resize` as it was in opset 10: asymmetric coordinates. `nearest` rounded down on axes that grow and, as
 * ORT has it, up on axes that shrink; where a node has both, it becomes two. Scales that are computed are taken to grow.
 */
const toResize: Convert = (node, b) => {
  const attribute = floatsOf(node, 'scales', undefined)
  const known = attribute ?? Array.from(b.graph.constant(node.inputs[1] ?? '')?.data ?? [], Number)
  const nearest = stringOf(node, 'mode', 'nearest') === 'nearest'
  const resize = (x: string, scales: string, rounding: 'floor' | 'ceil', output: string, name: string): Node => ({
    ...node,
    op: 'Resize',
    name,
    inputs: [x, '', scales],
    outputs: [output],
    attributes: attributes({
      mode: nearest ? 'nearest' : 'linear',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: rounding,
    }),
  })
  const stored = (values: readonly number[]): string => b.constant(float32([values.length], values), 'scales')
  const [x = '', given = ''] = node.inputs
  const [y = ''] = node.outputs
  const scales = attribute ? stored(attribute) : given
  const shrinks = nearest && known.some((s) => s < 1)
  if (!shrinks || known.every((s) => s <= 1)) return [resize(x, scales, shrinks ? 'ceil' : 'floor', y, node.name)]
  const grown = b.fresh(`${node.name || y}/grown`)
  const up = resize(x, stored(known.map((s) => Math.max(s, 1))), 'floor', grown, grown)
  return [up, resize(grown, stored(known.map((s) => Math.min(s, 1))), 'ceil', y, node.name)]
}

/** Scale and bias, which were one number for each group, repeated for its channels. */
const perChannel: Convert = (node, b) => {
  const [x = '', ...vectors] = node.inputs
  const start = b.nodes.length
  const repeated = b.scope(node.name || node.op, () => {
    const size = b.div(b.extent(x, 1), intOf(node, 'num_groups', 1))
    const each = b.vector([1, size])
    return vectors.map((v) => b.reshape(b.op('Expand', [b.op('Unsqueeze', [v, b.int64s([1])]), each]), [-1]))
  })
  return [...b.nodes.splice(start), { ...node, inputs: [x, ...repeated] }]
}

const CHANGES = new Map<string, readonly Change[]>(
  Object.entries({
    BatchNormalization: [
      {
        before: 14,
        convert: (node) => {
          if (intOf(node, 'spatial', 1) === 0)
            throw new ExplainError('unsupported-operator', {
              what: 'BatchNormalization with spatial=0 is not supported',
              where: describe(node),
            })
          return [{ ...without(node, ['spatial', 'momentum']), outputs: node.outputs.slice(0, 1) }]
        },
      },
    ],
    Clip: [{ before: 11, convert: toInputs({ min: 1, max: 2 }, floatScalar) }],
    DFT: [{ before: 20, convert: toInputs({ axis: 2 }, (node) => int64([], [intOf(node, 'axis', 1)])) }],
    Dropout: [
      {
        before: 12,
        convert: (node) => [{ ...without(node, ['ratio']), inputs: node.inputs.slice(0, 1) }],
      },
    ],
    GridSample: [
      {
        before: 20,
        convert: (node) => [withAttributes(node, { mode: stringOf(node, 'mode', 'bilinear').replace(/^bi/, '') })],
      },
    ],
    GroupNormalization: [{ before: 21, convert: perChannel }],
    Hardmax: [{ before: 13, convert: flattenedAxis }],
    LogSoftmax: [{ before: 13, convert: flattenedAxis }],
    Pad: [
      {
        before: 11,
        convert: toInputs({ pads: 1, value: 2 }, (node, name) =>
          name === 'pads' ? ints(node, name) : floatScalar(node, name),
        ),
      },
    ],
    ReduceL1: reduceAt18,
    ReduceL2: reduceAt18,
    ReduceLogSum: reduceAt18,
    ReduceLogSumExp: reduceAt18,
    ReduceMax: reduceAt18,
    ReduceMean: reduceAt18,
    ReduceMin: reduceAt18,
    ReduceProd: reduceAt18,
    ReduceSum: [{ before: 13, convert: AXES_TO_INPUT }],
    ReduceSumSquare: reduceAt18,
    Resize: [{ before: 11, convert: toResize }],
    RoiAlign: [
      {
        before: 16,
        convert: (node) => [withAttributes(node, { coordinate_transformation_mode: 'output_half_pixel' })],
      },
    ],
    Scan: [
      {
        before: 9,
        convert: (node) => {
          throw new ExplainError('unsupported-opset', {
            what: 'Scan with a batch axis of its own, as opset 8 had it, is not supported',
            where: describe(node),
            remedy: 'Export the model with opset 9 or newer.',
          })
        },
      },
    ],
    Scatter: [{ before: 11, convert: (node) => [{ ...node, op: 'ScatterElements' }] }],
    Slice: [{ before: 10, convert: toInputs({ starts: 1, ends: 2, axes: 3 }, ints) }],
    Softmax: [{ before: 13, convert: flattenedAxis }],
    Split: [
      { before: 13, convert: toInputs({ split: 1 }, ints) },
      {
        before: 18,
        convert: (node) => [node.inputs[1] ? node : withAttributes(node, { num_outputs: node.outputs.length })],
      },
    ],
    Squeeze: [{ before: 13, convert: AXES_TO_INPUT }],
    TopK: [
      {
        before: 10,
        convert: toInputs({ k: 1 }, (node, name) => int64([1], [intOf(node, name, 1)])),
      },
    ],
    Unsqueeze: [{ before: 13, convert: AXES_TO_INPUT }],
    Upsample: [{ before: 10, convert: toResize }],
  } satisfies Readonly<Record<string, readonly Change[]>>),
)

/**
 * Upgrades the graph to an opset (default: {@link MINIMUM_OPSET}) where it is older. A newer one is wanted where graphs of different opsets
 * become one. Throws `unsupported-opset`.
 */
export function upgrade(graph: Graph, to: number = MINIMUM_OPSET): Graph {
  const { opset } = graph
  if (opset < OLDEST_OPSET)
    throw new ExplainError('unsupported-opset', {
      what: `This model uses opset ${opset}; the oldest that is read is ${OLDEST_OPSET}`,
      remedy: 'Convert it with onnx.version_converter, or export it again.',
      details: { opset },
    })
  if (opset >= to) return graph
  return everywhere((g) => convertNodes(g, to))(graph).with({
    opsets: new Map([...graph.opsets, ['', to]]),
    irVersion: Math.max(graph.irVersion, 8),
  })
}

function convertNodes(graph: Graph, to: number): Graph {
  const { opset } = graph
  const b = new Builder(graph)
  for (const node of graph.nodes) {
    const changes =
      node.domain === '' ? (CHANGES.get(node.op) ?? []).filter((c) => opset < c.before && c.before <= to) : []
    const converted = changes.reduce<readonly Node[]>(
      (nodes, change) => nodes.flatMap((n) => (n.op === node.op ? change.convert(n, b, opset) : [n])),
      [node],
    )
    for (const n of converted) b.emit(n)
  }
  return graph.with({ nodes: b.nodes, initializers: b.initializers() })
}
