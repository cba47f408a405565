/** Steps that move elements about. */
import { int64 } from '../../src/core/tensor.js'
import { LARGEST, type Sketch, type Value } from './sketch.js'
import type { Step } from './steps.js'

function product(dims: readonly number[]): number {
  return dims.reduce((n, d) => n * d, 1)
}

function withAxis(dims: readonly number[], axis: number, size: number): readonly number[] {
  return dims.map((d, i) => (i === axis ? size : d))
}

/** An axis as either of its two numbers. */
function written(s: Sketch, axis: number, rank: number): number {
  return s.chance(0.4) ? axis - rank : axis
}

/** A value with axes, and one of them. */
function axisOf(s: Sketch, least = 1): { x: Value; axis: number; size: number } | undefined {
  const x = s.pick((dims) => dims.some((d) => d >= least))
  if (!x) return undefined
  const axis = s.of(x.dims.flatMap((d, i) => (d >= least ? [i] : []))) ?? 0
  return { x, axis, size: x.dims[axis] ?? 1 }
}

/** A shape of as many elements. */
function reshaped(s: Sketch, dims: readonly number[]): readonly number[] {
  const size = product(dims)
  const first = s.of([1, 2, 3, 4, dims[0] ?? 1].filter((d) => size % d === 0)) ?? 1
  const rest = size / first
  const second = s.of([1, 2, 3, dims[1] ?? 1].filter((d) => rest % d === 0)) ?? 1
  return s.of([[size], [first, rest], [first, second, rest / second], [first, second, rest / second, 1]])
}

const RESHAPES: readonly Step[] = [
  {
    name: 'Reshape',
    run: (s) => {
      const x = s.pick()
      if (!x) return
      const dims = reshaped(s, x.dims)
      const hidden = s.int(0, dims.length - 1)
      s.add('Reshape', [x.name, s.ints(dims.map((d, i) => (i === hidden && s.chance(0.5) ? -1 : d)))], dims)
    },
  },
  {
    name: 'Reshape to a computed shape',
    run: (s) => {
      const x = s.pick((dims) => dims.length >= 2)
      if (!x) return
      const first = s.plain('Slice', [s.plain('Shape', [x.name]), s.ints([0]), s.ints([1])])
      const shape = s.plain('Concat', [first, s.ints([-1])], { axis: 0 })
      s.add('Reshape', [x.name, shape], [x.dims[0] ?? 1, product(x.dims.slice(1))])
    },
  },
  {
    name: 'Flatten',
    run: (s) => {
      const x = s.pick()
      if (!x) return
      const axis = s.int(0, x.dims.length)
      s.add('Flatten', [x.name], [product(x.dims.slice(0, axis)), product(x.dims.slice(axis))], { axis })
    },
  },
  {
    name: 'Transpose',
    run: (s) => {
      const x = s.pick((dims) => dims.length >= 2)
      if (!x) return
      const perm = x.dims.map((_, i) => i)
      for (let i = perm.length - 1; i > 0; i--) {
        const j = s.int(0, i)
        const [a = 0, b = 0] = [perm[i], perm[j]]
        perm[i] = b
        perm[j] = a
      }
      s.add(
        'Transpose',
        [x.name],
        perm.map((p) => x.dims[p] ?? 1),
        { perm },
      )
    },
  },
  {
    name: 'Unsqueeze',
    run: (s) => {
      const x = s.pick((dims) => dims.length <= 3)
      if (!x) return
      const axis = s.int(0, x.dims.length)
      const dims = [...x.dims.slice(0, axis), 1, ...x.dims.slice(axis)]
      s.add('Unsqueeze', [x.name, s.ints([written(s, axis, dims.length)])], dims)
    },
  },
  {
    name: 'Squeeze',
    run: (s) => {
      const x = s.pick((dims) => dims.includes(1))
      if (!x) return
      // always with axes: without them the rank would depend on the sizes of free axes
      const axis = x.dims.indexOf(1)
      const dims = x.dims.filter((_, i) => i !== axis)
      s.add('Squeeze', [x.name, s.ints([written(s, axis, x.dims.length)])], dims)
    },
  },
  {
    name: 'Expand',
    run: (s) => {
      const x = s.pick((dims) => dims.length <= 3 && product(dims) * 4 <= LARGEST)
      if (!x) return
      const grown = x.dims.map((d) => (d === 1 ? s.int(1, 2) : d))
      const dims = s.chance(0.4) ? [2, ...grown] : grown
      s.add(
        'Expand',
        [x.name, s.ints(dims.map((d, i) => (d === x.dims[i - dims.length + x.dims.length] ? s.of([1, d]) : d)))],
        dims,
      )
    },
  },
  {
    name: 'Tile',
    run: (s) => {
      const x = s.pick((dims) => dims.length > 0 && product(dims) * 4 <= LARGEST)
      if (!x) return
      const axis = s.int(0, x.dims.length - 1)
      const repeats = x.dims.map((_, i) => (i === axis ? 2 : 1))
      s.add(
        'Tile',
        [x.name, s.ints(repeats)],
        x.dims.map((d, i) => d * (repeats[i] ?? 1)),
      )
    },
  },
]

const PARTS: readonly Step[] = [
  {
    name: 'Concat',
    run: (s) => {
      const found = axisOf(s)
      if (!found) return
      const { x, axis } = found
      const fits = (dims: readonly number[]): boolean =>
        dims.length === x.dims.length && dims.every((d, i) => i === axis || d === x.dims[i])
      const parts = [x, ...Array.from({ length: s.int(1, 2) }, () => s.pick(fits) ?? x)]
      if (s.chance(0.3)) parts.push({ name: s.weights(x.dims), dims: x.dims })
      const total = parts.reduce((n, p) => n + (p.dims[axis] ?? 1), 0)
      const dims = withAxis(x.dims, axis, total)
      if (product(dims) <= LARGEST)
        s.add(
          'Concat',
          parts.map((p) => p.name),
          dims,
          { axis: written(s, axis, x.dims.length) },
        )
    },
  },
  {
    name: 'Split',
    run: (s) => {
      const found = axisOf(s, 2)
      if (!found) return
      const { x, axis, size } = found
      const first = s.int(1, size - 1)
      const sizes = [first, size - first]
      const outputs = sizes.map(() => s.fresh('v'))
      s.nodes.push({
        op: 'Split',
        inputs: [x.name, s.ints(sizes)],
        outputs,
        attributes: { axis: written(s, axis, x.dims.length) },
      })
      // the other part may stay unread
      const offered = s.of([[0], [1], [0, 1]])
      for (const i of offered) s.offer(outputs[i] ?? '', withAxis(x.dims, axis, sizes[i] ?? 1))
    },
  },
  {
    name: 'Slice',
    run: (s) => {
      const found = axisOf(s, 2)
      if (!found) return
      const { x, axis, size } = found
      const from = s.int(0, size - 1)
      const to = s.int(from + 1, size)
      const step = s.int(1, 2)
      const taken = Math.ceil((to - from) / step)
      const backwards = s.chance(0.3)
      const fromEnd = s.chance(0.4) ? size : 0
      const [start, end, by] = backwards
        ? [to - 1, from === 0 ? -(2 ** 31) : from - 1, -step]
        : [from - fromEnd, to === size ? 2 ** 31 : to - fromEnd, step]
      const inputs = [x.name, s.ints([start]), s.ints([end]), s.ints([written(s, axis, x.dims.length)]), s.ints([by])]
      s.add('Slice', inputs, withAxis(x.dims, axis, taken))
    },
  },
  {
    name: 'Pad',
    run: (s) => {
      const found = axisOf(s, 2)
      if (!found || product(found.x.dims) * 3 > LARGEST) return
      const { x, axis, size } = found
      const mode = s.of(['constant', 'reflect', 'edge'])
      const [before, after] = [s.int(0, size - 1), s.int(mode === 'constant' ? -1 : 0, size - 1)]
      if (size + before + after < 1) return
      const pads = [
        ...x.dims.map((_, i) => (i === axis ? before : 0)),
        ...x.dims.map((_, i) => (i === axis ? after : 0)),
      ]
      const value = mode === 'constant' && s.chance(0.5) ? [s.scalar(0.5)] : []
      s.add('Pad', [x.name, s.ints(pads), ...value], withAxis(x.dims, axis, size + before + after), { mode })
    },
  },
  {
    name: 'CumSum',
    run: (s) => {
      const found = axisOf(s)
      if (!found) return
      const { x, axis } = found
      const attributes = { exclusive: s.int(0, 1), reverse: s.int(0, 1) }
      s.add('CumSum', [x.name, s.ints([written(s, axis, x.dims.length)], [])], x.dims, attributes)
    },
  },
  {
    name: 'Trilu',
    since: 14,
    run: (s) => {
      const x = s.pick((dims) => dims.length >= 2)
      if (x) s.add('Trilu', [x.name, s.ints([s.int(-1, 1)], [])], x.dims, { upper: s.int(0, 1) })
    },
  },
]

const INDEXED: readonly Step[] = [
  {
    name: 'Gather',
    run: (s) => {
      const found = axisOf(s)
      if (!found) return
      const { x, axis, size } = found
      const shape = s.of([[], [2], [3], [2, 1]])
      const indices = Array.from({ length: product(shape) }, () => s.int(-size, size - 1))
      const dims = [...x.dims.slice(0, axis), ...shape, ...x.dims.slice(axis + 1)]
      if (dims.length <= 4 && product(dims) <= LARGEST)
        s.add('Gather', [x.name, s.ints(indices, shape)], dims, { axis: written(s, axis, x.dims.length) })
    },
  },
  {
    name: 'GatherElements',
    run: (s) => {
      const found = axisOf(s)
      if (!found) return
      const { x, axis, size } = found
      const dims = withAxis(x.dims, axis, s.int(1, size))
      const indices = Array.from({ length: product(dims) }, () => s.int(-size, size - 1))
      s.add('GatherElements', [x.name, s.ints(indices, dims)], dims, { axis: written(s, axis, x.dims.length) })
    },
  },
  {
    name: 'ScatterElements',
    run: (s) => {
      const found = axisOf(s)
      if (!found) return
      const { x, axis, size } = found
      // one element a line, so that no two meet
      const dims = withAxis(x.dims, axis, 1)
      const updates = s.pick((d) => d.join() === dims.join())?.name ?? s.weights(dims)
      const indices = Array.from({ length: product(dims) }, () => s.int(0, size - 1))
      const reduction = s.opset >= 16 ? { reduction: s.of(['none', 'add']) } : {}
      s.add('ScatterElements', [x.name, s.ints(indices, dims), updates], x.dims, { axis, ...reduction })
    },
  },
  {
    name: 'TopK',
    run: (s) => {
      const found = axisOf(s, 2)
      if (!found) return
      const { x, axis, size } = found
      const k = s.int(1, size)
      const [values, places] = [s.fresh('v'), s.fresh('v')]
      const attributes = { axis: written(s, axis, x.dims.length), largest: s.int(0, 1) }
      s.nodes.push({ op: 'TopK', inputs: [x.name, s.constant(int64([1], [k]))], outputs: [values, places], attributes })
      s.offer(values, withAxis(x.dims, axis, k))
    },
  },
  {
    name: 'DepthToSpace',
    run: (s) => {
      const x = s.pick((dims) => dims.length === 4 && (dims[1] ?? 0) % 4 === 0)
      if (!x) return
      const [n = 1, c = 4, h = 1, w = 1] = x.dims
      s.add('DepthToSpace', [x.name], [n, c / 4, h * 2, w * 2], { blocksize: 2, mode: s.of(['DCR', 'CRD']) })
    },
  },
  {
    name: 'SpaceToDepth',
    run: (s) => {
      const x = s.pick((dims) => dims.length === 4 && dims.slice(2).every((d) => d % 2 === 0))
      if (!x) return
      const [n = 1, c = 1, h = 2, w = 2] = x.dims
      s.add('SpaceToDepth', [x.name], [n, c * 4, h / 2, w / 2], { blocksize: 2 })
    },
  },
]

export const SHAPE_STEPS: readonly Step[] = [...RESHAPES, ...PARTS, ...INDEXED]
