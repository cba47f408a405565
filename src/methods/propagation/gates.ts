/** Which factor of a product says how much of the other one goes through. */
import { type Graph, type Node, reads } from '../../onnx/ir.js'

const BOUNDED = new Set(['Sigmoid', 'HardSigmoid', 'Tanh', 'Erf', 'Softmax', 'Softsign', 'Hardmax'])
/** What a gate goes through before it multiplies: shapes and orders, and arithmetic with constants. */
const MOVES = new Set([
  ...[
    'Identity',
    'Reshape',
    'Flatten',
    'Squeeze',
    'Unsqueeze',
    'Transpose',
    'Expand',
    'Cast',
    'Dropout',
    'Slice',
    'Split',
    'Gather',
  ],
])
const ARITHMETIC = new Set(['Add', 'Sub', 'Mul', 'Div', 'Neg'])

/** True for what comes of a bounded activation, or of a Clip that is scaled (the hard sigmoid, written out), without a layer in between. */
export function isGate(graph: Graph, value: string): boolean {
  let scaled = false
  let at = value
  for (;;) {
    const node = graph.producer(at)
    if (node?.domain !== '') return false
    if (BOUNDED.has(node.op)) return true
    if (node.op === 'Clip') return scaled
    const inner = MOVES.has(node.op) ? node.inputs[0] : ARITHMETIC.has(node.op) ? onlyComputed(graph, node) : undefined
    if (inner === undefined) return false
    if (node.op === 'Mul' || node.op === 'Div') scaled = true
    at = inner
  }
}

/** The input of a node that is no constant, where there is one such. */
function onlyComputed(graph: Graph, node: Node): string | undefined {
  const [first, ...others] = [...reads(node)].filter((x) => graph.constant(x) === undefined)
  return others.length === 0 ? first : undefined
}
