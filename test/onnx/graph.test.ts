/** The graph in memory: who makes and who reads a value, names, constants, text. */
import { create } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  NodeProtoSchema,
} from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { float32, int64, tensor } from '../../src/core/tensor.js'
import { attribute, float, floatOf, floatsOf, intOf, intsOf, stringOf, tensorOf } from '../../src/onnx/attributes.js'
import { Builder, declare } from '../../src/onnx/builder.js'
import { describe as describeNode, reads } from '../../src/onnx/ir.js'
import { print, printNode } from '../../src/onnx/print.js'
import { writeTensor } from '../../src/onnx/tensors.js'
import { model } from '../support/model.js'
import { numbers, run } from '../support/run.js'

/** y = c ? x + w : x, where both branches capture from outside. */
function conditional() {
  const branch = (name: string, op: string, input: readonly string[]): AttributeProto =>
    create(AttributeProtoSchema, {
      name,
      type: AttributeType.GRAPH,
      g: create(GraphProtoSchema, {
        name,
        node: [
          create(NodeProtoSchema, { opType: op, name: `${name}/${op}`, input: [...input], output: [`${name}/y`] }),
        ],
        output: [declare(`${name}/y`, 'float32', [2])],
      }),
    })
  const graph = model({
    opset: 18,
    nodes: [
      { op: 'Relu', inputs: ['x'], outputs: ['hidden'] },
      { op: 'Neg', inputs: ['x'], outputs: ['unused'] },
      { op: 'If', inputs: ['c'], outputs: ['y'] },
    ],
    inputs: [declare('c', 'bool', []), declare('x', 'float32', [2])],
    outputs: [declare('y', 'float32', [2])],
    initializers: { w: float32([2], [10, 20]) },
  })
  const nodes = graph.nodes.map((n) => {
    if (n.op !== 'If') return n
    const branches = [branch('then_branch', 'Add', ['hidden', 'w']), branch('else_branch', 'Identity', ['hidden'])]
    return { ...n, attributes: new Map(branches.map((a) => [a.name, a])) }
  })
  return graph.with({ nodes })
}

function chain() {
  return model({
    opset: 18,
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['product'] },
      { op: 'Clip', inputs: ['product', '', 'six'], outputs: ['clipped'] },
      { op: 'Dropout', inputs: ['clipped'], outputs: ['y', ''] },
      {
        op: 'FusedGelu',
        domain: 'com.microsoft',
        inputs: ['y'],
        outputs: ['z'],
        attributes: {
          mode: 'tanh',
          axes: [1, 2],
          alpha: float(0.5),
          k: 3,
          betas: float([1, 2]),
          t: writeTensor('', int64([2], [1, 2])),
        },
      },
    ],
    inputs: [declare('x', 'float32', ['batch', null, 3])],
    outputs: [declare('z', 'float32'), declare('y')],
    initializers: { w: float32([3, 2]), six: float32([], [6]) },
  })
}

describe('values', () => {
  test('producers and consumers', () => {
    const graph = chain()
    expect(graph.producer('clipped')?.op).toBe('Clip')
    expect(graph.producer('x')).toBeUndefined()
    expect(graph.producer('w')).toBeUndefined()
    expect(graph.consumers('y').map((n) => n.op)).toEqual(['FusedGelu'])
    expect(graph.consumers('z')).toEqual([])
    expect(graph.consumers('')).toEqual([])
  })

  test('a node that reads a value twice is one consumer', () => {
    const graph = model({
      opset: 18,
      nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
      inputs: [declare('x', 'float32', [2])],
      outputs: [declare('y', 'float32', [2])],
    })
    expect(graph.consumers('x')).toHaveLength(1)
  })

  test('what a subgraph captures is read by its node', () => {
    const graph = conditional()
    expect(graph.consumers('hidden').map((n) => n.op)).toEqual(['If'])
    expect(graph.consumers('w').map((n) => n.op)).toEqual(['If'])
    expect(graph.consumers('then_branch/y')).toEqual([])
    const node = graph.producer('y')
    expect(node && [...reads(node)].sort()).toEqual(['c', 'hidden', 'w'])
  })

  test('subgraphs survive encoding and answer', async () => {
    const feeds = (c: number) => ({ c: tensor('bool', [], Uint8Array.of(c)), x: float32([2], [-1, 2]) })
    expect(numbers((await run(conditional(), feeds(1))).y)).toEqual([10, 22])
    expect(numbers((await run(conditional(), feeds(0))).y)).toEqual([0, 2])
  })

  test('has and require', () => {
    const graph = chain()
    expect(['x', 'w', 'product', 'z'].map((v) => graph.has(v))).toEqual([true, true, true, true])
    expect(graph.has('MatMul_product')).toBe(false)
    expect(() => graph.require('nowhere', 'the layer')).toThrow(/"nowhere".*the layer/)
  })

  test('a graph does not change when another is made of it', () => {
    const graph = chain()
    const other = graph.with({ nodes: [] })
    expect(graph.producer('z')).toBeDefined()
    expect(other.producer('z')).toBeUndefined()
  })
})

describe('constants', () => {
  const constant = (attributes: Parameters<typeof model>[0]['nodes'][number]['attributes']) => {
    const graph = model({
      opset: 18,
      nodes: [
        { op: 'Constant', inputs: [], outputs: ['c'], attributes: attributes ?? {} },
        { op: 'Identity', inputs: ['c'], outputs: ['d'] },
      ],
      inputs: [],
      outputs: [declare('d')],
    })
    return { graph, found: graph.constant('d') }
  }

  test.each([
    ['value', { value: writeTensor('', float32([2], [1, 2])) }, [1, 2]],
    ['value_float', { value_float: float(0.5) }, [0.5]],
    ['value_floats', { value_floats: float([0.5, 2]) }, [0.5, 2]],
    ['value_int', { value_int: 6 }, [6]],
    ['value_ints', { value_ints: [6, -1] }, [6, -1]],
  ])('%s, and what Identity makes of it', async (_name, attributes, want) => {
    const { graph, found } = constant(attributes)
    expect(numbers(found)).toEqual(want)
    const { d } = await run(graph, {})
    expect(found).toEqual(d)
  })

  test('what is computed is no constant', () => {
    expect(chain().constant('product')).toBeUndefined()
    expect(chain().constant('x')).toBeUndefined()
  })
})

describe('attributes', () => {
  const [, , , node] = chain().nodes
  if (!node) throw new Error('no node')

  test('are read by type', () => {
    expect([intOf(node, 'k', 0), floatOf(node, 'alpha', 0), stringOf(node, 'mode', '')]).toEqual([3, 0.5, 'tanh'])
    expect([intsOf(node, 'axes', []), floatsOf(node, 'betas', [])]).toEqual([
      [1, 2],
      [1, 2],
    ])
    expect(tensorOf(node, 't')?.dims).toEqual([2n])
  })

  test('take the default where they are missing', () => {
    expect([
      intOf(node, 'no', 4),
      floatOf(node, 'no', 4),
      stringOf(node, 'no', 'x'),
      intsOf(node, 'no', undefined),
    ]).toEqual([4, 4, 'x', undefined])
  })

  test('of another type are refused, naming both', () => {
    expect(() => intOf(node, 'alpha', 0)).toThrow(/alpha of FusedGelu has type FLOAT, expected INT/)
  })

  test('an empty list is a list of integers', () => {
    expect(attribute('axes', []).type).toBe(AttributeType.INTS)
  })
})

describe('names', () => {
  test('fresh names differ from every value and node name, and from one another', () => {
    const graph = chain()
    const b = new Builder(graph)
    expect([b.fresh('x'), b.fresh('x'), b.fresh('free'), b.fresh('free'), b.fresh('MatMul_product')]).toEqual([
      'x_1',
      'x_2',
      'free',
      'free_1',
      'MatMul_product_1',
    ])
    // an inner scope stands in for the outer one
    expect(b.scope('a', () => [b.scope('b', () => b.fresh('x')), b.fresh('x')])).toEqual(['b/x', 'a/x'])
    expect(b.fresh('c')).toBe('c')
  })

  test('the prefix of a scope ends with it, even by an error', () => {
    const b = new Builder(chain())
    expect(() =>
      b.scope('a', () => {
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(b.fresh('q')).toBe('q')
  })

  test('equal small constants are shared, of other types or shapes are not', () => {
    const b = new Builder(chain())
    expect(b.int64s([1, 2])).toBe(b.int64s([1, 2]))
    expect(b.constant(float32([1], [1]))).not.toBe(b.constant(float32([], [1])))
    expect(b.constant(float32([1], [0]))).not.toBe(b.constant(float32([1], [-0])))
    expect(b.constant(int64([1], [1]))).not.toBe(b.constant(float32([1], [1])))
  })
})

describe('text', () => {
  test('of a graph', () => {
    expect(print(chain())).toMatchInlineSnapshot(`
      "opset 18, com.microsoft 1
      x: float32[batch, ?, 3]
      w = float32[3, 2]
      six = float32[]
      product = MatMul(x, w)
      clipped = Clip(product, _, six)
      y, _ = Dropout(clipped)
      z = com.microsoft.FusedGelu(y, mode='tanh', axes=[1, 2], alpha=0.5, k=3, betas=[1, 2], t=int64[2])
      -> z: float32
      -> y"
    `)
  })

  test('of a node with a subgraph', () => {
    const node = conditional().producer('y')
    expect(node && printNode(node)).toMatchInlineSnapshot(`"y = If(c, then_branch=graph, else_branch=graph)"`)
    expect(node && describeNode(node)).toBe('If "If_y"')
  })

  test('a node of another domain is described with it', () => {
    expect(chain().nodes.map(describeNode).at(-1)).toBe('com.microsoft.FusedGelu "FusedGelu_z"')
  })
})
