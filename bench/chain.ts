/** Compilation of long networks: milliseconds by nodes, which should grow as they do. */
import { float32 } from '../src/core/tensor.js'
import { compile } from '../src/explain/index.js'
import { declare } from '../src/onnx/builder.js'
import type { Shapes } from '../src/onnx/shapes.js'
import { model, type NodeSpec } from '../test/support/model.js'
import { once, round } from './measure.js'

/** Convolution, rectifier and sum again and again, and a head. */
function chain(nodes: number): NodeSpec[] {
  const made: NodeSpec[] = []
  let x = 'input'
  while (made.length < nodes - 3) {
    const [conv, relu, sum] = ['Conv', 'Relu', 'Add'].map((op) => `${op}${made.length}`)
    made.push({
      op: 'Conv',
      inputs: [x, 'w'],
      outputs: [conv ?? ''],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
    })
    made.push({ op: 'Relu', inputs: [conv ?? ''], outputs: [relu ?? ''] })
    made.push({ op: 'Add', inputs: [relu ?? '', x], outputs: [sum ?? ''] })
    x = sum ?? ''
  }
  made.push({ op: 'GlobalAveragePool', inputs: [x], outputs: ['pooled'] })
  made.push({ op: 'Flatten', inputs: ['pooled'], outputs: ['output'] })
  return made
}

export async function chains(lengths: readonly number[]): Promise<readonly { nodes: number; ms: number }[]> {
  const found: { nodes: number; ms: number }[] = []
  for (const length of lengths) {
    const nodes = chain(length)
    const dims = ['N', 3, 8, 8]
    const graph = model({
      opset: 17,
      nodes,
      inputs: [declare('input', 'float32', dims)],
      outputs: [declare('output', 'float32', ['N', 3])],
      initializers: { w: float32([3, 3, 3, 3], new Float32Array(81).fill(0.1)) },
    })
    const shapes: Shapes = new Map([
      ...['input', ...nodes.flatMap((n) => n.outputs)].map((name) => [name, { name, type: 'float32', dims }] as const),
      ['pooled', { name: 'pooled', type: 'float32', dims: ['N', 3, 1, 1] }],
      ['output', { name: 'output', type: 'float32', dims: ['N', 3] }],
    ])
    const times: number[] = []
    for (let i = 0; i < 3; i++) times.push((await once(() => compile(graph, { method: 'gradient', shapes })))[1])
    found.push({ nodes: nodes.length, ms: round(Math.min(...times)) })
  }
  return found
}
