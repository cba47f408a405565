/** Steps with operators that say much in one word: Einsum, Resize, N-D indexing, compositions. */
import { float } from '../../src/onnx/attributes.js'
import { LARGEST, type Sketch } from './sketch.js'
import type { Step } from './steps.js'

function product(dims: readonly number[]): number {
  return dims.reduce((n, d) => n * d, 1)
}

const EINSUM: Step = {
  name: 'Einsum',
  run: (s) => {
    const x = s.pick((dims) => dims.length >= 2 && dims.length <= 3)
    if (!x) return
    const [a = 1, b = 1, c = 1] = x.dims
    const n = s.int(1, 3)
    const [equation, weight, dims] =
      x.dims.length === 2
        ? s.of([
            ['ij,jk->ik', [b, n], [a, n]],
            ['ij,ij->i', [a, b], [a]],
            ['ij,k->kji', [n], [n, b, a]],
            ['ij,jk->', [b, n], []],
          ])
        : s.of([
            ['bij,bjk->bik', [a, c, n], [a, b, n]],
            ['...j,jk->...k', [c, n], [a, b, n]],
            ['bij,kj->bki', [n, c], [a, n, b]],
            ['bij,bij->bj', [a, b, c], [a, c]],
          ])
    s.add('Einsum', [x.name, s.weights(weight as readonly number[])], dims as readonly number[], {
      equation: equation as string,
    })
  },
}

const RESIZE: Step = {
  name: 'Resize',
  run: (s) => {
    const x = s.pick((dims) => dims.length === 4 && dims.slice(2).every((d) => d >= 2))
    if (!x) return
    const [n = 1, c = 1, h = 2, w = 2] = x.dims
    const sizes = [s.int(1, 2 * h), s.int(1, 2 * w)]
    if (n * c * product(sizes) > LARGEST) return
    const mode = s.of(['nearest', 'linear', 'cubic'])
    const attributes = {
      mode,
      coordinate_transformation_mode: s.of(['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel']),
      nearest_mode: s.of(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']),
      ...(mode === 'cubic' ? { exclude_outside: s.int(0, 1) } : {}),
      ...(mode !== 'nearest' && s.opset >= 18 ? { antialias: s.int(0, 1) } : {}),
    }
    s.add('Resize', [x.name, '', '', s.ints([n, c, ...sizes])], [n, c, ...sizes], attributes)
  },
}

const INDEXED: readonly Step[] = [
  {
    name: 'GatherND',
    run: (s) => {
      const x = s.pick((dims) => dims.length >= 2 && dims.length <= 3)
      if (!x) return
      const [rows, depth] = [s.int(1, 3), s.int(1, x.dims.length)]
      const indices = Array.from({ length: rows * depth }, (_, i) => s.int(0, (x.dims[i % depth] ?? 1) - 1))
      s.add('GatherND', [x.name, s.ints(indices, [rows, depth])], [rows, ...x.dims.slice(depth)])
    },
  },
  {
    name: 'ScatterND',
    run: (s) => {
      const x = s.pick((dims) => dims.length >= 1 && dims.length <= 3)
      if (!x) return
      const updated = [1, ...x.dims.slice(1)]
      const updates = s.pick((dims) => dims.join() === updated.join())?.name ?? s.weights(updated)
      s.add('ScatterND', [x.name, s.ints([s.int(0, (x.dims[0] ?? 1) - 1)], [1, 1]), updates], x.dims)
    },
  },
]

/** An operator of one input that keeps the shape, on values of some rank. */
function keeping(op: string, rank: number, attributes: (s: Sketch) => Parameters<Sketch['add']>[3], since = 13): Step {
  return {
    name: op,
    since,
    run: (s) => {
      const x = s.pick((dims) => dims.length >= rank && dims.some((d) => d > 1))
      if (x) s.add(op, [x.name], x.dims, attributes(s))
    },
  }
}

const NORMALISATIONS: readonly Step[] = [
  keeping('LpNormalization', 1, (s) => ({ axis: -1, p: s.of([1, 2]) })),
  keeping('MeanVarianceNormalization', 2, () => ({ axes: [0, 1] })),
  {
    name: 'GroupNormalization',
    since: 21,
    run: (s) => {
      const x = s.pick((dims) => dims.length >= 3 && (dims[1] ?? 1) % 2 === 0)
      const c = x?.dims[1] ?? 2
      if (x)
        s.add('GroupNormalization', [x.name, s.weights([c]), s.weights([c])], x.dims, {
          num_groups: 2,
          epsilon: float(0.1),
        })
    },
  },
  {
    name: 'GlobalLpPool',
    run: (s) => {
      // ORT 1.30 has no kernel for the form of opset 22
      const x = s.opset < 22 ? s.pick((dims) => dims.length === 4) : undefined
      if (x) s.add('GlobalLpPool', [x.name], [...x.dims.slice(0, 2), 1, 1], { p: s.of([1, 2]) })
    },
  },
]

export const COMPOSITION_STEPS: readonly Step[] = [EINSUM, RESIZE, ...INDEXED, ...NORMALISATIONS]
