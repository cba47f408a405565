/** What a random graph is made of: each step adds a node or a few to a sketch, or nothing where no value fits. */
import { tensor } from '../../src/core/tensor.js'
import { float } from '../../src/onnx/attributes.js'
import { LARGEST, type Sketch, type Value } from './sketch.js'
import { COMPOSITION_STEPS } from './steps-compositions.js'
import { PLACE_STEPS } from './steps-places.js'
import { SHAPE_STEPS } from './steps-shape.js'

export interface Step {
  readonly name: string
  /** The first opset that has the operator in this form. */
  readonly since?: number
  readonly run: (s: Sketch) => void
}

/** An operator of one input that keeps the shape. */
function unary(op: string, attributes: (s: Sketch) => Parameters<Sketch['add']>[3] = () => ({}), since = 13): Step {
  return {
    name: op,
    since,
    run: (s) => {
      const x = s.pick()
      if (x) s.add(op, [x.name], x.dims, attributes(s))
    },
  }
}

/** `0.5 + sigmoid(x)`: between 0.5 and 1.5, for operators that want it positive. */
function positive(s: Sketch, x: Value): string {
  return s.plain('Add', [s.plain('Sigmoid', [x.name]), s.scalar(0.5)])
}

function ofPositive(op: string): Step {
  return {
    name: op,
    run: (s) => {
      const x = s.pick()
      if (x) s.add(op, [positive(s, x)], x.dims)
    },
  }
}

/** The shape of two broadcast shapes; undefined where they do not fit. */
export function broadcast(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const at = (dims: readonly number[], i: number): number => dims[dims.length - rank + i] ?? 1
  const out = Array.from({ length: rank }, (_, i) => [at(a, i), at(b, i)] as const)
  if (out.some(([p, q]) => p !== q && p !== 1 && q !== 1)) return undefined
  return out.map(([p, q]) => Math.max(p, q))
}

/** Another value that broadcasts with `x`, or a constant that does. */
function partner(s: Sketch, x: Value): Value {
  const fits = (dims: readonly number[]): boolean => {
    const both = broadcast(x.dims, dims)
    return both !== undefined && both.reduce((n, d) => n * d, 1) <= LARGEST
  }
  const other = s.chance(0.6) ? s.pick(fits) : undefined
  if (other) return other
  const dims = x.dims.slice(s.int(0, x.dims.length)).map((d) => (s.chance(0.3) ? 1 : d))
  return { name: s.weights(dims), dims }
}

/** An operator of two inputs that broadcasts, in either order. */
function binary(op: string, right: (s: Sketch, b: Value) => string = (_s, b) => b.name): Step {
  return {
    name: op,
    run: (s) => {
      const a = s.pick()
      if (!a) return
      const b = partner(s, a)
      const [p, q] = s.chance(0.5) ? [a, b] : [b, a]
      s.add(op, [p.name, right(s, q)], broadcast(a.dims, b.dims) ?? [])
    },
  }
}

function several(op: string): Step {
  return {
    name: `${op} of several`,
    run: (s) => {
      const a = s.pick()
      if (!a) return
      const b = partner(s, a)
      const dims = broadcast(a.dims, b.dims) ?? []
      const c = partner(s, { name: '', dims })
      s.add(op, [a.name, b.name, c.name], broadcast(dims, c.dims) ?? [])
    },
  }
}

const REDUCTIONS = ['L1', 'L2', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'] as const

function reduction(kind: (typeof REDUCTIONS)[number]): Step {
  return {
    name: `Reduce${kind}`,
    run: (s) => {
      const x = s.pick((dims) => dims.length > 0)
      if (!x) return
      const keepdims = s.int(0, 1)
      const axes = x.dims.flatMap((_, i) => (s.chance(0.5) ? [i] : []))
      const written = axes.map((a) => (s.chance(0.3) ? a - x.dims.length : a))
      const gone = (i: number): boolean => axes.length === 0 || axes.includes(i)
      const dims = x.dims.flatMap((d, i) => (gone(i) ? (keepdims ? [1] : []) : [d]))
      const op = `Reduce${kind}`
      if (axes.length === 0) s.add(op, [x.name], dims, { keepdims })
      else if (s.opset < 18 && kind !== 'Sum') s.add(op, [x.name], dims, { keepdims, axes: written })
      else s.add(op, [x.name, s.ints(written)], dims, { keepdims })
    },
  }
}

function overAxis(op: string): Step {
  return {
    name: op,
    run: (s) => {
      const x = s.pick((dims) => dims.length > 0)
      if (x) s.add(op, [x.name], x.dims, { axis: s.int(-x.dims.length, x.dims.length - 1) })
    },
  }
}

const MATRICES: readonly Step[] = [
  {
    name: 'MatMul with a weight',
    run: (s) => {
      const x = s.pick((dims) => dims.length > 0)
      const k = x?.dims.at(-1)
      if (!x || k === undefined) return
      const n = s.int(1, 4)
      const column = s.chance(0.15)
      const w = s.weights(column ? [k] : [k, n], 1 / Math.sqrt(k))
      s.add('MatMul', [x.name, w], [...x.dims.slice(0, -1), ...(column ? [] : [n])])
    },
  },
  {
    name: 'MatMul of two values',
    run: (s) => {
      const a = s.pick((dims) => dims.length >= 2)
      if (!a) return
      const [m = 1, k = 1] = a.dims.slice(-2)
      const b = s.pick(
        (d) => d.length >= 2 && d.at(-2) === k && broadcast(a.dims.slice(0, -2), d.slice(0, -2)) !== undefined,
      )
      if (b) {
        const batch = broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2)) ?? []
        const dims = [...batch, m, b.dims.at(-1) ?? 1]
        if (dims.reduce((n, d) => n * d, 1) <= LARGEST) return s.add('MatMul', [a.name, b.name], dims)
      }
      const perm = a.dims.map((_, i) => i)
      const turned = s.plain('Transpose', [a.name], { perm: [...perm.slice(0, -2), perm.length - 1, perm.length - 2] })
      s.add('MatMul', [a.name, turned], [...a.dims.slice(0, -2), m, m])
    },
  },
  {
    name: 'Gemm',
    run: (s) => {
      const a = s.pick((dims) => dims.length === 2)
      if (!a) return
      const [transA, transB, n] = [s.int(0, 1), s.int(0, 1), s.int(1, 4)]
      const [m = 1, k = 1] = transA ? [...a.dims].reverse() : a.dims
      const w = s.weights(transB ? [n, k] : [k, n], 1 / Math.sqrt(k))
      const biases = s.of([[], [s.weights([n])], [s.weights([m, 1])], [s.weights([])]])
      const attributes = { transA, transB, alpha: float(0.5 + s.next()), beta: float(0.5 + s.next()) }
      s.add('Gemm', [a.name, w, ...biases], [m, n], attributes)
    },
  },
]

const CHOICES: readonly Step[] = [
  {
    name: 'Where',
    run: (s) => {
      const a = s.pick()
      if (!a) return
      const b = partner(s, a)
      const dims = broadcast(a.dims, b.dims) ?? []
      const size = dims.reduce((n, d) => n * d, 1)
      const condition = s.chance(0.5)
        ? s.plain('Greater', [a.name, b.name])
        : s.constant(
            tensor(
              'bool',
              dims,
              Uint8Array.from({ length: size }, () => s.int(0, 1)),
            ),
          )
      s.add('Where', [condition, a.name, b.name], dims)
    },
  },
  {
    name: 'PRelu',
    run: (s) => {
      const x = s.pick((dims) => dims.length >= 2)
      if (x) s.add('PRelu', [x.name, s.weights([x.dims[1] ?? 1, ...x.dims.slice(2).map(() => 1)])], x.dims)
    },
  },
  {
    name: 'Clip',
    run: (s) => {
      const x = s.pick()
      if (!x) return
      const bounds = s.of([[s.scalar(-0.4), s.scalar(0.7)], [s.scalar(0)], ['', s.scalar(0.3)]])
      s.add('Clip', [x.name, ...bounds], x.dims)
    },
  },
  {
    name: 'Pow',
    run: (s) => {
      const x = s.pick()
      if (!x) return
      if (s.chance(0.5)) s.add('Pow', [x.name, s.scalar(s.of([2, 3]))], x.dims)
      else s.add('Pow', [positive(s, x), s.scalar(s.of([0.5, -1, 1.7]))], x.dims)
    },
  },
  {
    name: 'Exp',
    run: (s) => {
      const x = s.pick()
      if (x) s.add('Exp', [s.plain('Tanh', [x.name])], x.dims)
    },
  },
  {
    name: 'Cast and back',
    run: (s) => {
      const x = s.pick()
      const own = s.type === 'float32' ? 1 : 11
      if (x) s.add('Cast', [s.plain('Cast', [x.name], { to: 11 })], x.dims, { to: own })
    },
  },
]

/** Every step. */
export const STEPS: readonly Step[] = [
  ...[
    'Abs',
    'Atan',
    'Asinh',
    'Cos',
    'Erf',
    'Identity',
    'Neg',
    'Relu',
    'Sigmoid',
    'Sin',
    'Softplus',
    'Softsign',
    'Tanh',
  ].map((op) => unary(op)),
  unary('LeakyRelu', () => ({ alpha: float(0.2) })),
  unary('Elu', (s) => ({ alpha: float(0.5 + s.next()) })),
  unary('Celu', (s) => ({ alpha: float(0.5 + s.next()) })),
  unary('Selu'),
  unary('ThresholdedRelu', () => ({ alpha: float(0.3) })),
  unary('HardSigmoid', () => ({ alpha: float(0.3), beta: float(0.4) })),
  unary('HardSwish', () => ({}), 14),
  unary('Mish', () => ({}), 18),
  unary('Gelu', (s) => ({ approximate: s.of(['none', 'tanh']) }), 20),
  ...['Log', 'Sqrt', 'Reciprocal'].map(ofPositive),
  ...['Add', 'Sub', 'Mul', 'Max', 'Min'].map((op) => binary(op)),
  binary('Div', positive),
  ...['Sum', 'Mean', 'Max', 'Min'].map(several),
  ...REDUCTIONS.map(reduction),
  ...['Softmax', 'LogSoftmax'].map(overAxis),
  ...MATRICES,
  ...CHOICES,
  ...PLACE_STEPS,
  ...SHAPE_STEPS,
  ...COMPOSITION_STEPS,
]
