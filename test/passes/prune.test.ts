/** Order and pruning. */
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  NodeProtoSchema,
} from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { float32, tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { reads } from '../../src/onnx/ir.js'
import { print } from '../../src/onnx/print.js'
import { dropout } from '../../src/passes/dropout.js'
import { prune, sorted } from '../../src/passes/prune.js'
import { readBytes, SHIPPED_MODEL } from '../support/files.js'
import { model } from '../support/model.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

function fork(): Graph {
  return model({
    opset: 18,
    nodes: [
      { op: 'Add', inputs: ['x', 'w'], outputs: ['a'] },
      { op: 'Mul', inputs: ['x', 'unused'], outputs: ['side'] },
      { op: 'Relu', inputs: ['a'], outputs: ['b'] },
      { op: 'Neg', inputs: ['side'], outputs: ['z'] },
      { op: 'Sub', inputs: ['b', 'a'], outputs: ['y'] },
    ],
    inputs: [declare('x', 'float32', [2]), declare('other', 'float32', [2])],
    outputs: [declare('y', 'float32', [2])],
    initializers: { w: float32([2], [1, 2]), unused: float32([2], [3, 4]) },
  })
}

/** An `If` whose branches read `hidden` and `w` from outside. */
function capturing(): Graph {
  const branch = (name: string, op: string, input: string[]) =>
    create(AttributeProtoSchema, {
      name,
      type: AttributeType.GRAPH,
      g: create(GraphProtoSchema, {
        name,
        node: [create(NodeProtoSchema, { opType: op, name: `${name}/${op}`, input, output: [`${name}/y`] })],
        output: [declare(`${name}/y`, 'float32', [2])],
      }),
    })
  const graph = model({
    opset: 18,
    nodes: [
      { op: 'If', inputs: ['c'], outputs: ['y'] },
      { op: 'Relu', inputs: ['x'], outputs: ['hidden'] },
      { op: 'Neg', inputs: ['x'], outputs: ['nothing'] },
    ],
    inputs: [declare('c', 'bool', []), declare('x', 'float32', [2])],
    outputs: [declare('y', 'float32', [2])],
    initializers: { w: float32([2], [10, 20]) },
  })
  const branches = [branch('then_branch', 'Add', ['hidden', 'w']), branch('else_branch', 'Identity', ['hidden'])]
  const attributes = new Map(branches.map((a) => [a.name, a]))
  return graph.with({ nodes: graph.nodes.map((n) => (n.op === 'If' ? { ...n, attributes } : n)) })
}

/** Every value is made before it is read. */
function isOrdered(graph: Graph, nodes: Graph['nodes']): boolean {
  const made = new Set<string>()
  return nodes.every((n) => {
    const ready = [...reads(n)].every((v) => made.has(v) || graph.producer(v) === undefined)
    for (const o of n.outputs) made.add(o)
    return ready
  })
}

describe('prune', () => {
  test('keeps what the outputs need, in order', () => {
    expect(print(prune(fork()))).toMatchInlineSnapshot(`
      "opset 18
      x: float32[2]
      other: float32[2]
      w = float32[2]
      a = Add(x, w)
      b = Relu(a)
      y = Sub(b, a)
      -> y: float32[2]"
    `)
  })

  test('drops inputs only where it is asked to', () => {
    expect(prune(fork()).inputs.map((i) => i.name)).toEqual(['x', 'other'])
    expect(prune(fork(), { dropInputs: true }).inputs.map((i) => i.name)).toEqual(['x'])
  })

  test('an output in the middle needs nothing behind it', () => {
    const graph = prune(fork().with({ outputs: [declare('a')] }))
    expect(graph.nodes.map((n) => n.op)).toEqual(['Add'])
  })

  test('keeps what a subgraph captures, and puts it before', async () => {
    const graph = prune(capturing())
    expect(graph.nodes.map((n) => n.op)).toEqual(['Relu', 'If'])
    expect([...graph.initializers.keys()]).toEqual(['w'])
    const feeds = { c: tensor('bool', [], Uint8Array.of(1)), x: float32([2], [-1, 2]) }
    expect(numbers((await run(graph, feeds)).y)).toEqual([10, 22])
  })
})

describe('sorted', () => {
  const shipped = decode(readBytes(SHIPPED_MODEL))

  test('leaves an order that holds', () => {
    expect(sorted(shipped)).toEqual(shipped.nodes)
  })

  test('orders shuffled nodes', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const order = random(seed).permutation(shipped.nodes.length)
        const shuffled = shipped.with({ nodes: order.flatMap((i) => shipped.nodes[i] ?? []) })
        const nodes = sorted(shuffled)
        expect(nodes).toHaveLength(shipped.nodes.length)
        expect(isOrdered(shuffled, nodes)).toBe(true)
      }),
      { numRuns: 10, seed: 1 },
    )
  })

  test('a long chain does not overflow the stack', () => {
    const count = 20_000
    const nodes = Array.from({ length: count }, (_, i) => ({ op: 'Relu', inputs: [`v${i}`], outputs: [`v${i + 1}`] }))
    const graph = model({
      opset: 18,
      nodes: nodes.reverse(),
      inputs: [declare('v0', 'float32', [1])],
      outputs: [declare(`v${count}`)],
    })
    expect(sorted(graph)[0]?.inputs).toEqual(['v0'])
  })

  test('a circle is refused', () => {
    const graph = model({
      opset: 18,
      nodes: [
        { op: 'Add', inputs: ['x', 'b'], outputs: ['a'] },
        { op: 'Relu', inputs: ['a'], outputs: ['b'] },
      ],
      inputs: [declare('x', 'float32', [1])],
      outputs: [declare('b')],
    })
    expect(() => sorted(graph)).toThrow(/The graph goes in a circle.*"/)
  })
})

describe('dropout', () => {
  const graph = (inputs: readonly string[], outputs: readonly string[], more: readonly string[] = []) =>
    model({
      opset: 18,
      nodes: [
        { op: 'Dropout', inputs, outputs },
        ...more.map((m) => ({ op: 'Not', inputs: [m], outputs: [`not_${m}`] })),
      ],
      inputs: [declare('x', 'float32', [3]), declare('training', 'bool', [])],
      outputs: [declare('y', 'float32', [3])],
      initializers: {
        ratio: float32([], [0.5]),
        off: tensor('bool', [], Uint8Array.of(0)),
        on: tensor('bool', [], Uint8Array.of(1)),
      },
    })
  const opOf = (g: Graph): string | undefined => dropout(g).producer('y')?.op

  test.each([
    ['without training mode', ['x', 'ratio'], ['y']],
    ['with a mask that nobody reads', ['x', 'ratio'], ['y', 'mask']],
    ['with training mode off', ['x', 'ratio', 'off'], ['y']],
  ])('%s is removed', (_name, inputs, outputs) => {
    expect(opOf(graph(inputs, outputs))).toBe('Identity')
  })

  test.each([
    ['with training mode on', ['x', 'ratio', 'on'], ['y'], []],
    ['with a computed training mode', ['x', 'ratio', 'training'], ['y'], []],
    ['with a mask that is read', ['x', 'ratio'], ['y', 'mask'], ['mask']],
  ])('%s stays', (_name, inputs, outputs, more) => {
    expect(opOf(graph(inputs, outputs, more))).toBe('Dropout')
  })

  test('a mask that is an output stays', () => {
    const g = graph(['x'], ['y', 'mask'])
    expect(opOf(g.with({ outputs: [...g.outputs, declare('mask')] }))).toBe('Dropout')
  })
})
