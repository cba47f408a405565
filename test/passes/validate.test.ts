/** Graphs that cannot be walked are refused. */
import { describe, expect, test } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { sorted } from '../../src/passes/prune.js'
import { validate } from '../../src/passes/validate.js'
import { refusal } from '../support/compiled.js'
import { model, type NodeSpec } from '../support/model.js'

function graph(nodes: readonly NodeSpec[], output = 'y') {
  return validate(
    model({
      opset: 18,
      nodes,
      inputs: [declare('x', 'float32', [2])],
      outputs: [declare(output)],
      initializers: { w: float32([2], [1, 2]) },
    }),
  )
}

const add = (inputs: readonly string[], output: string): NodeSpec => ({ op: 'Add', inputs, outputs: [output] })

describe('a graph', () => {
  test.each([
    ['a circle of two nodes', [add(['x', 'b'], 'a'), add(['a', 'w'], 'b'), add(['a', 'b'], 'y')], /in a circle.*"Add_/],
    ['a node that reads itself', [add(['x', 'y'], 'y')], /in a circle.*"Add_y"/],
    ['a value made twice', [add(['x', 'w'], 'y'), add(['w', 'w'], 'y')], /"y" is made twice/],
    ['a node that makes the input', [add(['w', 'w'], 'x'), add(['x', 'w'], 'y')], /"x" is made twice/],
    ['a node that makes a weight', [add(['x', 'x'], 'w'), add(['x', 'w'], 'y')], /"w" is made twice/],
    ['a value that nothing makes', [add(['x', 'missing'], 'y')], /"missing" is read, but nothing makes it.*Add_y/],
    ['an output that nothing makes', [add(['x', 'w'], 'z')], /Nothing makes the output "y"/],
  ] as const)('with %s is refused', async (_name, nodes, message) => {
    const error = await refusal(() => graph(nodes))
    expect(error.code).toBe('invalid-model')
    expect(error.message).toMatch(message)
  })

  test('in any order is read, and put in order', () => {
    const found = graph([add(['b', 'a'], 'y'), add(['a', 'x'], 'b'), add(['x', 'w'], 'a')])
    expect(sorted(found).map((n) => n.outputs[0])).toEqual(['a', 'b', 'y'])
  })

  test('may give an input or a weight as an output', () => {
    expect(graph([], 'x').outputs[0]?.name).toBe('x')
    expect(graph([], 'w').outputs[0]?.name).toBe('w')
  })

  test('that a pass made circular cannot be put in order', async () => {
    const whole = graph([add(['x', 'w'], 'a'), add(['a', 'w'], 'y')])
    const nodes = whole.nodes.map((n) => ({ ...n, inputs: n.inputs.map((i) => (i === 'x' ? 'y' : i)) }))
    expect((await refusal(() => sorted(whole.with({ nodes })))).code).toBe('invalid-model')
  })
})
