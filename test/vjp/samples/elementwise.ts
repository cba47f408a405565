/** Samples of arithmetic operators. */
import {
  awayFromZero,
  defineSamples,
  distinct,
  fixed,
  type InputSpec,
  normal,
  type Sample,
  SINCE_7,
  SINCE_9,
  SINCE_13,
  stored,
  typed,
  uniform,
  values,
} from '../sample.js'

/** Broadcasting both ways, over missing and over size-1 axes. */
function broadcast(left: (dims: number[]) => InputSpec, right: (dims: number[]) => InputSpec): Sample[] {
  return [
    { name: 'same-shape', opsets: SINCE_7, inputs: [left([2, 3]), right([2, 3])] },
    { name: 'left-larger', opsets: SINCE_7, inputs: [left([2, 3, 2]), right([3, 1])] },
    { name: 'right-larger', opsets: SINCE_7, inputs: [left([3]), right([2, 2, 3])] },
    { name: 'both', opsets: SINCE_7, inputs: [left([2, 1, 3]), right([1, 4, 1])] },
    { name: 'scalar', inputs: [left([2, 2]), right([])] },
    { name: 'one-element', inputs: [left([1]), right([1, 3])] },
    { name: 'stored', inputs: [left([2, 3]), stored(right([1, 3]))] },
    { name: 'float64', inputs: [double(left([2, 3])), double(right([3]))] },
  ]
}

function double(spec: InputSpec): InputSpec {
  return {
    ...spec,
    make: (r) => {
      const t = spec.make(r)
      return { type: 'float64', dims: t.dims, data: Float64Array.from(t.data, Number) }
    },
  }
}

function unary(make: (dims: number[]) => InputSpec, opsets = SINCE_7): Sample[] {
  return [
    { name: 'random', opsets, inputs: [make([2, 3, 2])] },
    { name: 'scalar', opsets: opsets.slice(0, 1), inputs: [make([])] },
  ]
}

/** The same value given to several inputs is one tie; equal elements are others. */
function extreme(larger: boolean): Sample[] {
  const [low, high] = larger ? [1, 2] : [2, 1]
  return [
    { name: 'one', inputs: [normal([2, 3])] },
    ...[SINCE_7].map(
      (opsets): Sample => ({ name: 'two', opsets, inputs: [distinct([2, 3]), values([3], [0, -0.1, 0.2])] }),
    ),
    {
      name: 'three',
      inputs: [distinct([2, 3]), values([2, 1], [0, -0.1]), values([1, 1, 3], [0.1, 0.2, -0.2])],
    },
    {
      name: 'tie-of-two',
      pin: {
        gy: [1, 1, 1],
        gradients: [
          [0.5, 0, 1],
          [0.5, 1, 0],
        ],
      },
      inputs: [values([3], [1, low, high]), values([3], [1, high, low])],
    },
    {
      name: 'tie-of-three',
      pin: {
        gy: [3, 1],
        gradients: [
          [1, 0],
          [1, 0.5],
          [1, 0.5],
        ],
      },
      inputs: [values([2], [5, low]), values([2], [5, high]), values([2], [5, high])],
    },
    {
      name: 'tie-broadcast',
      pin: { gy: [1, 1], gradients: [[0.5, 0.5], [1]] },
      inputs: [values([2], [1, 1]), values([1], [1])],
    },
  ]
}

export const elementwise = defineSamples({
  Add: broadcast(normal, normal),
  Sub: broadcast(normal, normal),
  Mul: broadcast(normal, normal),
  Div: broadcast(normal, awayFromZero),
  Pow: [
    ...broadcast(
      (d) => uniform(d, 0.5, 2),
      (d) => uniform(d, -1.5, 2.5),
    ),
    { name: 'square', opsets: SINCE_7, inputs: [normal([2, 3]), fixed(stored(values([], [2])))] },
    { name: 'square-of-vector-exponent', inputs: [normal([2, 3]), fixed(stored(values([3], [2, 2, 3])))] },
    { name: 'cube-of-negative', inputs: [normal([2, 3]), fixed(stored(values([], [3])))] },
    { name: 'square-broadcast-by-exponent', inputs: [normal([3]), fixed(stored(values([1, 1], [2])))] },
    { name: 'root', inputs: [uniform([2, 3], 0.5, 2), fixed(stored(values([], [0.5])))] },
    { name: 'int64-exponent', opsets: SINCE_13, inputs: [normal([2, 3]), typed('int64', [], [3])] },
    { name: 'int64-square', opsets: SINCE_13, inputs: [normal([2, 3]), typed('int64', [], [2])] },
    {
      name: 'zero-base',
      pin: {
        gy: [1, 1],
        gradients: [
          [0, 1],
          [0, 0],
        ],
      },
      inputs: [values([2], [0, 0]), values([2], [2, 1])],
    },
  ],
  // with steps no nearer than a tenth of the divisor
  Mod: [
    {
      name: 'signs',
      opsets: SINCE_13,
      attributes: { fmod: 1 },
      inputs: [values([2, 3], [5.3, -5.3, 5.3, -4.6, 0.7, 7.9]), values([2, 3], [2.2, 2.2, -2.2, -1.3, 3.1, 1.1])],
    },
    {
      name: 'broadcast',
      opsets: [18, 10, 11, 13],
      attributes: { fmod: 1 },
      inputs: [values([2, 1], [6.4, -3.3]), values([3], [1.5, -4.1, 0.9])],
    },
    {
      name: 'float64',
      attributes: { fmod: 1 },
      inputs: [values([3], [6.4, -3.3, 11], { type: 'float64' }), values([], [1.5], { type: 'float64' })],
    },
  ],
  Where: [
    {
      name: 'same-shape',
      opsets: SINCE_9,
      inputs: [typed('bool', [2, 2], [1, 0, 0, 1]), normal([2, 2]), normal([2, 2])],
    },
    {
      name: 'broadcast',
      opsets: SINCE_9,
      inputs: [{ ...typed('bool', [2, 1], [1, 0]), stored: false }, normal([3]), normal([2, 2, 1])],
    },
    { name: 'scalar', inputs: [typed('bool', [3], [1, 0, 1]), normal([]), normal([2, 3])] },
  ],
  Max: extreme(true),
  Min: extreme(false),
  Sum: [
    { name: 'one', inputs: [normal([2, 3])] },
    { name: 'three', opsets: SINCE_7.filter((v) => v >= 8), inputs: [normal([2, 3]), normal([3]), normal([2, 1])] },
    { name: 'opset-7', opsets: [7], inputs: [normal([2, 3]), normal([2, 3])] },
  ],
  Mean: [
    { name: 'one', inputs: [normal([2, 3])] },
    { name: 'three', opsets: SINCE_7.filter((v) => v >= 8), inputs: [normal([2, 3]), normal([3]), normal([2, 1])] },
    { name: 'opset-7', opsets: [7], inputs: [normal([2, 3]), normal([2, 3])] },
  ],
  Neg: unary(normal),
  Abs: [
    ...unary((d) => normal(d, { kinks: [0] })),
    { name: 'zero', pin: { gy: [1, 1, 1], gradients: [[-1, 0, 1]] }, inputs: [values([3], [-2, 0, 2])] },
  ],
  Sqrt: unary((d) => uniform(d, 0.5, 3)),
  Exp: unary(normal),
  Log: unary((d) => uniform(d, 0.5, 3)),
  Reciprocal: unary((d) => awayFromZero(d)),
  Erf: unary(normal, SINCE_9),
  Sin: unary(normal),
  Cos: unary(normal),
  Tan: unary((d) => uniform(d, -1, 1)),
  Asin: unary((d) => uniform(d, -0.8, 0.8)),
  Acos: unary((d) => uniform(d, -0.8, 0.8)),
  Atan: unary(normal),
  Sinh: unary(normal, SINCE_9),
  Cosh: unary(normal, SINCE_9),
  Asinh: unary(normal, SINCE_9),
  Acosh: unary((d) => uniform(d, 1.4, 3), SINCE_9),
  Atanh: unary((d) => uniform(d, -0.8, 0.8), SINCE_9),
})
