/** Model-local functions: ORT, which runs them itself, must answer the same for the model and for the inlined graph. */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type FunctionProto,
  FunctionProtoSchema,
  ModelProtoSchema,
  type NodeProto,
} from 'onnx-buf'
import { describe, expect, test } from 'vitest'
import { float32, tensor } from '../../src/core/tensor.js'
import { type AttributeValue, attribute, float } from '../../src/onnx/attributes.js'
import { declare } from '../../src/onnx/builder.js'
import { decode } from '../../src/onnx/decode.js'
import { encode } from '../../src/onnx/encode.js'
import type { Graph } from '../../src/onnx/ir.js'
import { inlineFunctions } from '../../src/passes/functions.js'
import { lower } from '../../src/passes/lower.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { graphProto, model, type NodeSpec } from '../support/model.js'
import { runtime } from '../support/ort.js'
import { random } from '../support/random.js'
import { numbers, run } from '../support/run.js'

const DOMAIN = 'local'

interface FunctionSpec {
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly nodes: readonly NodeSpec[]
  readonly attributes?: readonly string[]
  readonly defaults?: Readonly<Record<string, AttributeValue>>
  readonly opset?: number
  readonly overload?: string
}

/** An attribute of a node in a function's body that is the function's own attribute. */
function reference(name: string, of: string, type: AttributeType): AttributeProto {
  return create(AttributeProtoSchema, { name, refAttrName: of, type })
}

function functionProto(spec: FunctionSpec, references: Readonly<Record<string, AttributeProto>>): FunctionProto {
  const { node } = graphProto('body', { nodes: spec.nodes, inputs: [], outputs: [] })
  const referring = node.map((n): NodeProto => {
    const own = references[`${spec.name}/${n.output[0]}`]
    return own ? { ...n, attribute: [...n.attribute, own] } : n
  })
  return create(FunctionProtoSchema, {
    name: spec.name,
    domain: DOMAIN,
    overload: spec.overload ?? '',
    input: [...spec.inputs],
    output: [...spec.outputs],
    attribute: [...(spec.attributes ?? [])],
    attributeProto: Object.entries(spec.defaults ?? {}).map(([name, value]) => attribute(name, value)),
    node: referring,
    opsetImport: [
      { domain: '', version: BigInt(spec.opset ?? 18) },
      { domain: DOMAIN, version: 1n },
    ],
  })
}

interface Calls {
  readonly functions: readonly FunctionSpec[]
  readonly references?: Readonly<Record<string, AttributeProto>>
  readonly nodes: readonly NodeSpec[]
  readonly opset?: number
}

/** A model from `x [2,3,4]`, `w [4]` and the condition `c` to `y`. */
function withFunctions({ functions, references = {}, nodes, opset = 18 }: Calls): Graph {
  const { origin } = model({
    opset,
    nodes,
    inputs: [declare('x', 'float32', [2, 3, 4]), declare('w', 'float32', [4]), declare('c', 'bool', [])],
    outputs: [declare('y', 'float32')],
  })
  const local = { domain: DOMAIN, version: 1n, $typeName: 'onnx.OperatorSetIdProto' } as const
  const opsetImport = [...origin.opsetImport.filter((o) => o.domain !== DOMAIN), local]
  const all = functions.map((f) => functionProto(f, references))
  return decode(toBinary(ModelProtoSchema, { ...origin, opsetImport, functions: all }))
}

const call = (name: string, inputs: string, outputs: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  op: name,
  domain: DOMAIN,
  inputs: (inputs === '' ? [] : inputs.split(' ')).map((i) => (i === '_' ? '' : i)),
  outputs: outputs.split(' ').map((o) => (o === '_' ? '' : o)),
  attributes,
})
const node = (op: string, inputs: string, outputs: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  ...call(op, inputs, outputs, attributes),
  domain: '',
})

const scaled: FunctionSpec = {
  name: 'Scaled',
  inputs: ['a', 'b'],
  outputs: ['out'],
  nodes: [node('Mul', 'a b', 'product'), node('LeakyRelu', 'product', 'out')],
  attributes: ['slope'],
}
const slope = { 'Scaled/out': reference('alpha', 'slope', AttributeType.FLOAT) }

const MODELS: Readonly<Record<string, Calls>> = {
  'called twice, names alike': {
    functions: [scaled],
    references: slope,
    nodes: [
      call('Scaled', 'x w', 'product', { slope: float(0.5) }),
      call('Scaled', 'product w', 'out', { slope: float(0.1) }),
      node('Add', 'out product', 'y'),
    ],
  },
  'an attribute that is not given is absent': {
    functions: [scaled],
    references: slope,
    nodes: [call('Scaled', 'x w', 'y')],
  },
  'an attribute has a default': {
    functions: [{ ...scaled, attributes: [], defaults: { slope: float(0.7) } }],
    references: slope,
    nodes: [call('Scaled', 'x w', 'z'), call('Scaled', 'z w', 'y', { slope: float(0.2) })],
  },
  'functions call functions, and hand attributes on': {
    functions: [
      scaled,
      {
        name: 'Outer',
        inputs: ['a', 'b'],
        outputs: ['out', 'more'],
        nodes: [call('Scaled', 'a b', 'inner'), node('Tanh', 'inner', 'out'), node('Add', 'inner b', 'more')],
        attributes: ['outer_slope'],
      },
    ],
    references: { ...slope, 'Outer/inner': reference('slope', 'outer_slope', AttributeType.FLOAT) },
    nodes: [call('Outer', 'x w', 'one two', { outer_slope: float(0.3) }), node('Mul', 'one two', 'y')],
  },
  'optional inputs and outputs are left out': {
    functions: [
      {
        name: 'Clipped',
        inputs: ['a', 'low', 'high'],
        outputs: ['out', 'unread'],
        nodes: [node('Clip', 'a low high', 'out'), node('Neg', 'a', 'unread')],
      },
    ],
    nodes: [node('ReduceMean', 'w', 'mean', { keepdims: 0 }), call('Clipped', 'x _ mean', 'y _')],
  },
  'called inside a graph, which holds another call': {
    functions: [
      scaled,
      {
        name: 'Chosen',
        inputs: ['a', 'b', 'which'],
        outputs: ['out'],
        nodes: [
          node('If', 'which', 'out', {
            then_branch: graphProto('then', {
              nodes: [call('Scaled', 'a b', 'taken')],
              inputs: [],
              outputs: [declare('taken', 'float32', [2, 3, 4])],
            }),
            else_branch: graphProto('else', {
              nodes: [node('Neg', 'a', 'taken')],
              inputs: [],
              outputs: [declare('taken', 'float32', [2, 3, 4])],
            }),
          }),
        ],
      },
    ],
    references: slope,
    nodes: [
      node('If', 'c', 'y', {
        then_branch: graphProto('then', {
          nodes: [call('Chosen', 'x w c', 'taken')],
          inputs: [],
          outputs: [declare('taken', 'float32', [2, 3, 4])],
        }),
        else_branch: graphProto('else', {
          nodes: [call('Scaled', 'x w', 'taken', { slope: float(0.4) })],
          inputs: [],
          outputs: [declare('taken', 'float32', [2, 3, 4])],
        }),
      }),
    ],
  },
}

const r = random(5)
const normal = (...dims: number[]) =>
  float32(
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => r.normal()),
  )
const feeds = { x: normal(2, 3, 4), w: normal(4) }
const condition = (value: boolean) => tensor('bool', [], Uint8Array.of(value ? 1 : 0))

/** The means of four numbers each. */
function rowMeans(values: readonly number[]): number[] {
  return Array.from({ length: values.length / 4 }, (_, row) =>
    values.slice(row * 4, row * 4 + 4).reduce((sum, v) => sum + v / 4, 0),
  )
}

function isClose(got: number[], want: number[]): void {
  expect(got).toEqual(want.map((v) => expect.closeTo(v, 5)))
}

describe('model-local functions', () => {
  describe.each(Object.entries(MODELS))('%s', (_name, calls) => {
    test.each([true, false])('the answer is the same (condition %s)', async (c) => {
      const graph = withFunctions(calls)
      const given = { ...feeds, c: condition(c) }
      const want = numbers((await run(graph, given)).y)
      for (const made of [inlineFunctions(graph), lower(graph)]) {
        expect(made.nodes.map((n) => n.domain)).not.toContain(DOMAIN)
        expect(decode(encode(made)).origin.functions).toEqual([])
        isClose(numbers((await run(made, given)).y), want)
      }
    })

    test('the gradient is that of differences', async () => {
      const graph = withFunctions(calls)
      const given = { ...feeds, c: condition(true) }
      const gradient = differentiate(graph, { of: 'y', wrt: ['x'], shapes: await probe(graph, runtime) })
      const seed = normal(2, 3, 4)
      const got = numbers((await run(gradient, { ...given, 'gradient/y': seed }))['gradient/x'])
      const direction = normal(2, 3, 4)
      const at = async (step: number) => {
        const moved = feeds.x.data.map((v, i) => v + step * (direction.data[i] ?? 0))
        const y = numbers((await run(graph, { ...given, x: float32([2, 3, 4], moved) })).y)
        return y.reduce((sum, v, i) => sum + v * (seed.data[i] ?? 0), 0)
      }
      const slopeAlong = got.reduce((sum, v, i) => sum + v * (direction.data[i] ?? 0), 0)
      expect(slopeAlong).toBeCloseTo(((await at(1e-3)) - (await at(-1e-3))) / 2e-3, 1)
    })
  })

  const mean = (opset: number, axes: Pick<FunctionSpec, 'nodes'>): FunctionSpec => ({
    name: 'Mean',
    inputs: ['a'],
    outputs: ['out'],
    opset,
    ...axes,
  })
  const byAttribute = { nodes: [node('ReduceMean', 'a', 'out', { axes: [1], keepdims: 1 })] }
  const byInput = { nodes: [node('Constant', '', 'axes', { value_ints: [1] }), node('ReduceMean', 'a axes', 'out')] }

  test.each([
    ['an older function', 18, mean(13, byAttribute)],
    ['a newer function', 13, mean(18, byInput)],
    ['a function of the newest opset in an old model', 13, mean(20, byInput)],
  ] as const)('%s is brought to the opset of the whole', async (_name, opset, f) => {
    // an operator whose form depends on the model's own opset comes behind
    const last: NodeSpec[] =
      opset < 18
        ? [node('ReduceMean', 's', 'y', { axes: [2], keepdims: 0 })]
        : [node('Constant', '', 'axis', { value_ints: [2] }), node('ReduceMean', 's axis', 'y', { keepdims: 0 })]
    const nodes = [call('Mean', 'x', 'm'), node('Add', 'm x', 's'), ...last]
    const graph = withFunctions({ functions: [f], nodes, opset })
    const inlined = inlineFunctions(graph)
    expect(inlined.opset).toBe(Math.max(18, f.opset ?? 0))
    // ORT reads functions by the model's opset, whatever they say: the reference is the sum itself
    const x = feeds.x.data
    const mean = (b: number, k: number): number =>
      [0, 1, 2].reduce((sum, i) => sum + (x[b * 12 + i * 4 + k] ?? 0), 0) / 3
    const shifted = Array.from(x, (v, i) => v + mean(Math.floor(i / 12), i % 4))
    const got = numbers((await run(inlined, { ...feeds, c: condition(true) })).y)
    isClose(got, rowMeans(shifted))
  })

  test('an input is handed on', async () => {
    const f: FunctionSpec = { name: 'Both', inputs: ['a'], outputs: ['a', 'out'], nodes: [node('Sin', 'a', 'out')] }
    const graph = withFunctions({
      functions: [f],
      nodes: [call('Both', 'x', 'same sine'), node('Add', 'same sine', 'y')],
    })
    const y = numbers((await run(inlineFunctions(graph), { ...feeds, c: condition(true) })).y)
    isClose(
      y,
      Array.from(feeds.x.data, (v) => v + Math.sin(v)),
    )
  })

  test('overloads are told apart', () => {
    const one: FunctionSpec = {
      name: 'F',
      inputs: ['a'],
      outputs: ['out'],
      nodes: [node('Sin', 'a', 'out')],
      overload: 'sine',
    }
    const other = { ...one, nodes: [node('Cos', 'a', 'out')], overload: 'cosine' }
    const graph = withFunctions({ functions: [one, other], nodes: [call('F', 'x', 'y')] })
    const chosen = (overload: string) =>
      graph.with({ nodes: graph.nodes.map((n) => (n.origin ? { ...n, origin: { ...n.origin, overload } } : n)) })
    expect(inlineFunctions(chosen('sine')).nodes.map((n) => n.op)).toEqual(['Sin'])
    expect(inlineFunctions(chosen('cosine')).nodes.map((n) => n.op)).toEqual(['Cos'])
  })

  test('a function that calls itself is refused', () => {
    const f: FunctionSpec = { name: 'F', inputs: ['a'], outputs: ['out'], nodes: [call('F', 'a', 'out')] }
    expect(() => lower(withFunctions({ functions: [f], nodes: [call('F', 'x', 'y')] }))).toThrow(/calls itself/)
  })

  test('a model without functions stays as it is', () => {
    const graph = withFunctions({ functions: [], nodes: [node('Sin', 'x', 'y')] })
    expect(inlineFunctions(graph)).toBe(graph)
  })
})
