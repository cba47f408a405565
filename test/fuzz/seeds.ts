/** Small models of different kinds, which the mutations start from: about 2 KB each. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf'
import { float32, int64, sizeOf, type Tensor, tensor } from '../../src/core/tensor.js'
import { float } from '../../src/onnx/attributes.js'
import { declare } from '../../src/onnx/builder.js'
import { modelBytes } from '../support/model.js'
import { random, seedOf } from '../support/random.js'

export interface Seed {
  readonly name: string
  readonly bytes: Uint8Array
}

function weights(name: string, dims: readonly number[]): Tensor<'float32'> {
  const r = random(seedOf(name))
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => r.normal() / 2),
  )
}

const PICTURE = declare('x', 'float32', ['batch', 3, 8, 8])
const SCORES = declare('scores', 'float32', ['batch', 4])

function convolutional(): Uint8Array {
  return modelBytes({
    opset: 18,
    inputs: [PICTURE],
    outputs: [SCORES],
    nodes: [
      { op: 'Conv', inputs: ['x', 'w1'], outputs: ['c1'], attributes: { pads: [1, 1, 1, 1], kernel_shape: [3, 3] } },
      { op: 'BatchNormalization', inputs: ['c1', 'one', 'zero', 'zero', 'one'], outputs: ['n1'] },
      { op: 'Relu', inputs: ['n1'], outputs: ['r1'] },
      { op: 'MaxPool', inputs: ['r1'], outputs: ['p1'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
      { op: 'Conv', inputs: ['p1', 'w2'], outputs: ['c2'], attributes: { group: 2, strides: [2, 2] } },
      { op: 'Sigmoid', inputs: ['c2'], outputs: ['s2'] },
      { op: 'Mul', inputs: ['c2', 's2'], outputs: ['a2'] },
      { op: 'AveragePool', inputs: ['p1'], outputs: ['p2'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
      { op: 'Concat', inputs: ['a2', 'p2'], outputs: ['both'], attributes: { axis: 1 } },
      { op: 'GlobalAveragePool', inputs: ['both'], outputs: ['pooled'] },
      { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      { op: 'Gemm', inputs: ['flat', 'w3', 'b3'], outputs: ['logits'], attributes: { transB: 1 } },
      { op: 'Softmax', inputs: ['logits'], outputs: ['scores'] },
    ],
    initializers: {
      w1: weights('w1', [4, 3, 3, 3]),
      one: float32([4], [1, 1, 1, 1]),
      zero: float32([4]),
      w2: weights('w2', [4, 2, 1, 1]),
      w3: weights('w3', [4, 8]),
      b3: weights('b3', [4]),
    },
  })
}

function transformer(): Uint8Array {
  return modelBytes({
    opset: 20,
    inputs: [PICTURE],
    outputs: [SCORES],
    nodes: [
      { op: 'Conv', inputs: ['x', 'patch'], outputs: ['grid'], attributes: { strides: [4, 4] } },
      { op: 'Shape', inputs: ['grid'], outputs: ['shape'], attributes: { start: 0, end: 2 } },
      { op: 'Concat', inputs: ['shape', 'all'], outputs: ['target'], attributes: { axis: 0 } },
      { op: 'Reshape', inputs: ['grid', 'target'], outputs: ['rows'] },
      { op: 'Transpose', inputs: ['rows'], outputs: ['tokens'], attributes: { perm: [0, 2, 1] } },
      { op: 'LayerNormalization', inputs: ['tokens', 'scale', 'bias'], outputs: ['normal'] },
      { op: 'MatMul', inputs: ['normal', 'qkv'], outputs: ['projected'] },
      { op: 'Split', inputs: ['projected'], outputs: ['q', 'k', 'v'], attributes: { axis: -1, num_outputs: 3 } },
      { op: 'Transpose', inputs: ['k'], outputs: ['kt'], attributes: { perm: [0, 2, 1] } },
      { op: 'MatMul', inputs: ['q', 'kt'], outputs: ['similar'] },
      { op: 'Div', inputs: ['similar', 'root'], outputs: ['scaled'] },
      { op: 'Softmax', inputs: ['scaled'], outputs: ['weights'] },
      { op: 'MatMul', inputs: ['weights', 'v'], outputs: ['mixed'] },
      { op: 'Add', inputs: ['mixed', 'tokens'], outputs: ['residual'] },
      { op: 'Gelu', inputs: ['residual'], outputs: ['active'] },
      { op: 'Gather', inputs: ['active', 'first'], outputs: ['class'], attributes: { axis: 1 } },
      { op: 'Gemm', inputs: ['class', 'head'], outputs: ['scores'] },
    ],
    initializers: {
      patch: weights('patch', [6, 3, 4, 4]),
      all: int64([1], [-1]),
      scale: weights('scale', [6]),
      bias: weights('bias', [6]),
      qkv: weights('qkv', [6, 18]),
      root: float32([], [2.45]),
      first: int64([], [0]),
      head: weights('head', [6, 4]),
    },
  })
}

function old(): Uint8Array {
  return modelBytes({
    opset: 9,
    inputs: [PICTURE],
    outputs: [SCORES],
    nodes: [
      { op: 'Pad', inputs: ['x'], outputs: ['padded'], attributes: { pads: [0, 0, 1, 1, 0, 0, 1, 1] } },
      { op: 'Conv', inputs: ['padded', 'w1'], outputs: ['c1'], attributes: { kernel_shape: [3, 3] } },
      { op: 'Clip', inputs: ['c1'], outputs: ['r1'], attributes: { min: float(0), max: float(6) } },
      { op: 'Slice', inputs: ['r1'], outputs: ['cut'], attributes: { starts: [0], ends: [4], axes: [2] } },
      { op: 'Upsample', inputs: ['cut', 'scales'], outputs: ['up'], attributes: { mode: 'nearest' } },
      { op: 'Dropout', inputs: ['up'], outputs: ['kept'], attributes: { ratio: float(0.5) } },
      { op: 'ReduceMean', inputs: ['kept'], outputs: ['mean'], attributes: { axes: [2, 3], keepdims: 0 } },
      { op: 'MatMul', inputs: ['mean', 'w2'], outputs: ['product'] },
      { op: 'Add', inputs: ['product', 'b2'], outputs: ['logits'] },
      { op: 'Unsqueeze', inputs: ['logits'], outputs: ['one_more'], attributes: { axes: [1] } },
      { op: 'Squeeze', inputs: ['one_more'], outputs: ['one_less'], attributes: { axes: [1] } },
      { op: 'LogSoftmax', inputs: ['one_less'], outputs: ['scores'], attributes: { axis: 1 } },
    ],
    initializers: {
      w1: weights('w1', [4, 3, 3, 3]),
      scales: float32([4], [1, 1, 2, 2]),
      w2: weights('w2', [4, 4]),
      b2: weights('b2', [4]),
    },
  })
}

/** The message of a model, changed. */
function changed(bytes: Uint8Array, change: (model: ReturnType<typeof parse>) => void): Uint8Array {
  const model = parse(bytes)
  change(model)
  return toBinary(ModelProtoSchema, model)
}

function parse(bytes: Uint8Array) {
  return fromBinary(ModelProtoSchema, bytes)
}

/** `If` and `Loop` with subgraphs that capture values from outside. */
function controlled(): Uint8Array {
  const body = (name: string, op: string, inputs: readonly string[]) =>
    create(AttributeProtoSchema, {
      name,
      type: AttributeType.GRAPH,
      g: create(GraphProtoSchema, {
        name,
        node: [
          create(NodeProtoSchema, { opType: op, name: `${name}/${op}`, input: [...inputs], output: [`${name}/y`] }),
        ],
        output: [declare(`${name}/y`, 'float32', ['batch', 4])],
      }),
    })
  const loop = create(AttributeProtoSchema, {
    name: 'body',
    type: AttributeType.GRAPH,
    g: create(GraphProtoSchema, {
      name: 'body',
      input: [declare('i', 'int64', []), declare('go', 'bool', []), declare('state', 'float32', ['batch', 4])],
      node: [
        create(NodeProtoSchema, { opType: 'Identity', name: 'keep', input: ['go'], output: ['go_on'] }),
        create(NodeProtoSchema, { opType: 'Mul', name: 'step', input: ['state', 'b'], output: ['next'] }),
      ],
      output: [declare('go_on', 'bool', []), declare('next', 'float32', ['batch', 4])],
    }),
  })
  const bytes = modelBytes({
    opset: 18,
    inputs: [PICTURE],
    outputs: [SCORES],
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'], attributes: { strides: [2, 2] } },
      { op: 'Relu', inputs: ['c'], outputs: ['r'] },
      { op: 'ReduceMean', inputs: ['r', 'axes'], outputs: ['mean'], attributes: { keepdims: 0 } },
      { op: 'If', inputs: ['yes'], outputs: ['chosen'] },
      { op: 'Loop', inputs: ['trips', 'yes', 'chosen'], outputs: ['scores'] },
    ],
    initializers: {
      w: weights('w', [4, 3, 2, 2]),
      b: weights('b', [4]),
      axes: int64([2], [2, 3]),
      trips: int64([], [3]),
      yes: tensor('bool', [], Uint8Array.of(1)),
    },
  })
  return changed(bytes, (model) => {
    const nodes = model.graph?.node ?? []
    nodes[3]?.attribute.push(body('then_branch', 'Add', ['mean', 'b']), body('else_branch', 'Sub', ['mean', 'b']))
    nodes[4]?.attribute.push(loop)
  })
}

/** A function of the model's own, typed and external data, a Constant node. */
function stored(): Uint8Array {
  const bytes = modelBytes({
    opset: 17,
    inputs: [PICTURE, declare('y', 'float32', ['batch', 4])],
    outputs: [SCORES, declare('more')],
    nodes: [
      { op: 'Constant', inputs: [], outputs: ['half'], attributes: { value_float: float(0.5) } },
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['c'], attributes: { auto_pad: 'SAME_UPPER' } },
      { op: 'Scaled', domain: 'test', inputs: ['c', 'half'], outputs: ['r'], attributes: { alpha: float(2) } },
      { op: 'ReduceMax', inputs: ['r'], outputs: ['top'], attributes: { axes: [2, 3], keepdims: 0 } },
      { op: 'Where', inputs: ['mask', 'top', 'y'], outputs: ['scores'] },
      { op: 'TopK', inputs: ['scores', 'two'], outputs: ['more', 'places'] },
    ],
    initializers: {
      w: weights('w', [4, 3, 3, 3]),
      mask: tensor('bool', [4], Uint8Array.of(1, 0, 1, 1)),
      two: int64([1], [2]),
    },
  })
  return changed(bytes, (model) => {
    model.functions.push(
      create(FunctionProtoSchema, {
        name: 'Scaled',
        domain: 'test',
        input: ['v', 'k'],
        output: ['out'],
        attribute: ['alpha'],
        opsetImport: model.opsetImport,
        node: [
          create(NodeProtoSchema, {
            opType: 'LeakyRelu',
            input: ['v'],
            output: ['leaky'],
            attribute: [
              create(AttributeProtoSchema, { name: 'alpha', type: AttributeType.FLOAT, refAttrName: 'alpha' }),
            ],
          }),
          create(NodeProtoSchema, { opType: 'Mul', input: ['leaky', 'k'], output: ['out'] }),
        ],
      }),
    )
    if (!model.graph) return
    const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value })
    model.graph.initializer = model.graph.initializer.map((t) => {
      const { name, dims, dataType } = t
      if (name === 'two') return create(TensorProtoSchema, { name, dims, dataType, int64Data: [2n] })
      if (name !== 'w') return t
      const externalData = [entry('location', 'weights.bin'), entry('offset', '0')]
      return create(TensorProtoSchema, { name, dims, dataType, dataLocation: DataLocation.EXTERNAL, externalData })
    })
  })
}

/** What the external file of `stored` holds. */
export const EXTERNAL: ReadonlyMap<string, Uint8Array> = new Map([
  ['weights.bin', new Uint8Array(weights('w', [4, 3, 3, 3]).data.buffer as ArrayBuffer)],
])

/** Operators that move elements about. */
function moving(): Uint8Array {
  return modelBytes({
    opset: 18,
    inputs: [PICTURE],
    outputs: [SCORES],
    nodes: [
      { op: 'DepthToSpace', inputs: ['wide'], outputs: ['deep'], attributes: { blocksize: 2 } },
      { op: 'ConvTranspose', inputs: ['x', 'w'], outputs: ['wide'], attributes: { strides: [2, 2] } },
      { op: 'Resize', inputs: ['deep', '', 'scales'], outputs: ['small'], attributes: { mode: 'linear' } },
      { op: 'Slice', inputs: ['small', 'starts', 'ends', 'axes', 'steps'], outputs: ['cut'] },
      { op: 'Expand', inputs: ['cut', 'shape'], outputs: ['same'] },
      { op: 'Tile', inputs: ['same', 'repeats'], outputs: ['tiled'] },
      { op: 'GatherElements', inputs: ['tiled', 'places'], outputs: ['taken'], attributes: { axis: 2 } },
      {
        op: 'InstanceNormalization',
        inputs: ['tiled', 'one', 'one'],
        outputs: ['normal'],
        attributes: { epsilon: float(1) },
      },
      { op: 'ReduceSum', inputs: ['normal', 'spatial'], outputs: ['sum'], attributes: { keepdims: 0 } },
      { op: 'ReduceSum', inputs: ['taken', 'spatial'], outputs: ['few'], attributes: { keepdims: 0 } },
      { op: 'Add', inputs: ['sum', 'few'], outputs: ['both'] },
      { op: 'Cast', inputs: ['both'], outputs: ['scores'], attributes: { to: 1 } },
    ],
    initializers: {
      w: weights('w', [3, 16, 2, 2]),
      one: float32([4], [1, 1, 1, 1]),
      scales: float32([4], [1, 1, 0.25, 0.25]),
      starts: int64([1], [-1]),
      ends: int64([1], [-(2 ** 40)]),
      axes: int64([1], [3]),
      steps: int64([1], [-1]),
      shape: int64([4], [1, 1, 1, 1]),
      repeats: int64([4], [1, 1, 2, 1]),
      places: int64([1, 4, 1, 2], [0, 1, 2, 3, 0, 1, 2, 3]),
      spatial: int64([2], [2, 3]),
    },
  })
}

export const SEEDS: readonly Seed[] = [
  { name: 'convolutional', bytes: convolutional() },
  { name: 'transformer', bytes: transformer() },
  { name: 'old', bytes: old() },
  { name: 'controlled', bytes: controlled() },
  { name: 'stored', bytes: stored() },
  { name: 'moving', bytes: moving() },
]
