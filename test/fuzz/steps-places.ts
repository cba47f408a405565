/** Steps on pictures `[N, C, ...places]`: convolutions, pooling, normalisations. */
import { float } from '../../src/onnx/attributes.js'
import { LARGEST, type Sketch, type Value } from './sketch.js'
import type { Step } from './steps.js'

/** A picture with at least so many places along each axis. */
function picture(s: Sketch, side = 1, ranks: readonly number[] = [3, 4]): Value | undefined {
  return s.pick((dims) => ranks.includes(dims.length) && dims.slice(2).every((d) => d >= side))
}

interface Window {
  readonly attributes: Record<string, number | string | readonly number[]>
  readonly sizes: readonly number[]
}

/** A window that fits over `sizes`, and how many places it takes. */
function windowOver(s: Sketch, sizes: readonly number[], options: { ceil?: boolean; dilate?: boolean } = {}): Window {
  const kernel = sizes.map((d) => s.int(1, Math.min(3, d)))
  const dilations = sizes.map((d, i) => (options.dilate && s.chance(0.3) && ((kernel[i] ?? 1) - 1) * 2 < d ? 2 : 1))
  const span = kernel.map((k, i) => (k - 1) * (dilations[i] ?? 1) + 1)
  const strides = sizes.map(() => s.int(1, 2))
  const at = (list: readonly number[], i: number): number => list[i] ?? 0
  // ORT refuses the negative padding that windows further apart than they are wide would need
  if (s.chance(0.2) && dilations.every((d) => d === 1) && strides.every((t, i) => t <= at(kernel, i))) {
    const auto_pad = s.of(['SAME_UPPER', 'SAME_LOWER', 'VALID'])
    const same = (d: number, i: number): number => Math.ceil(d / at(strides, i))
    const valid = (d: number, i: number): number => Math.ceil((d - at(kernel, i) + 1) / at(strides, i))
    return {
      attributes: { auto_pad, kernel_shape: kernel, strides },
      sizes: sizes.map(auto_pad === 'VALID' ? valid : same),
    }
  }
  const begins = kernel.map((k) => s.int(0, k - 1))
  const ends = kernel.map((k) => s.int(0, k - 1))
  const room = (d: number, i: number): number => d + at(begins, i) + at(ends, i) - at(span, i)
  const whole = (d: number, i: number): number => Math.floor(room(d, i) / at(strides, i)) + 1
  const more = (d: number, i: number): number => (room(d, i) % at(strides, i) === 0 ? 0 : 1)
  // ORT 1.30 drops a last window that would begin behind the input, but infers a shape with it
  const dropped = sizes.some((d, i) => more(d, i) === 1 && whole(d, i) * at(strides, i) >= d + at(begins, i))
  const ceil = options.ceil && !dropped && s.chance(0.3) ? 1 : 0
  const out = sizes.map((d, i) => whole(d, i) + ceil * more(d, i))
  const attributes: Window['attributes'] = { kernel_shape: kernel, strides, pads: [...begins, ...ends] }
  if (options.dilate) attributes.dilations = dilations
  if (options.ceil) attributes.ceil_mode = ceil
  return { attributes, sizes: out }
}

function groupsOf(s: Sketch, channels: number): number {
  return s.of([1, 2, channels].filter((g) => channels % g === 0)) ?? 1
}

const CONVOLUTIONS: readonly Step[] = [
  {
    name: 'Conv',
    run: (s) => {
      const x = picture(s)
      if (!x) return
      const [n = 1, c = 1, ...places] = x.dims
      const group = groupsOf(s, c)
      const m = group * s.int(1, 2)
      const { attributes, sizes } = windowOver(s, places, { dilate: true })
      const kernel = attributes.kernel_shape as readonly number[]
      const w = s.weights([m, c / group, ...kernel], 0.5)
      const bias = s.chance(0.5) ? [s.weights([m])] : []
      if (n * m * sizes.reduce((a, d) => a * d, 1) > LARGEST) return
      s.add('Conv', [x.name, w, ...bias], [n, m, ...sizes], { ...attributes, group })
    },
  },
  {
    name: 'ConvTranspose',
    run: (s) => {
      const x = picture(s)
      if (!x) return
      const [n = 1, c = 1, ...places] = x.dims
      const group = groupsOf(s, c)
      const perGroup = s.int(1, 2)
      const kernel = places.map(() => s.int(1, 3))
      const strides = places.map(() => s.int(1, 2))
      const pads = kernel.map((k) => s.int(0, k > 2 ? 1 : 0))
      const extra = strides.map((t) => (s.chance(0.3) ? t - 1 : 0))
      const sizes = places.map(
        (d, i) => (d - 1) * (strides[i] ?? 1) + (kernel[i] ?? 1) - 2 * (pads[i] ?? 0) + (extra[i] ?? 0),
      )
      if (sizes.some((d) => d < 1) || n * perGroup * group * sizes.reduce((a, d) => a * d, 1) > LARGEST) return
      const w = s.weights([c, perGroup, ...kernel], 0.5)
      const attributes = { kernel_shape: kernel, strides, pads: [...pads, ...pads], output_padding: extra, group }
      s.add('ConvTranspose', [x.name, w], [n, perGroup * group, ...sizes], attributes)
    },
  },
]

function pool(
  op: string,
  more: (s: Sketch) => Record<string, number>,
  options: { ceil: boolean; dilate: boolean },
): Step {
  return {
    name: op,
    run: (s) => {
      const x = picture(s)
      if (!x) return
      const [n = 1, c = 1, ...places] = x.dims
      const { attributes, sizes } = windowOver(s, places, options)
      s.add(op, [x.name], [n, c, ...sizes], { ...attributes, ...more(s) })
    },
  }
}

function global(op: string): Step {
  return {
    name: op,
    run: (s) => {
      const x = picture(s)
      if (x) s.add(op, [x.name], [...x.dims.slice(0, 2), ...x.dims.slice(2).map(() => 1)])
    },
  }
}

function scales(s: Sketch, n: number): string {
  return s.constant(s.floats([n], () => 0.5 + s.next()))
}

const NORMALISATIONS: readonly Step[] = [
  {
    name: 'BatchNormalization',
    run: (s) => {
      const x = s.pick((dims) => dims.length >= 2)
      const c = x?.dims[1] ?? 1
      if (x) s.add('BatchNormalization', [x.name, scales(s, c), s.weights([c]), s.weights([c]), scales(s, c)], x.dims)
    },
  },
  {
    name: 'InstanceNormalization',
    run: (s) => {
      const x = picture(s, 2)
      const c = x?.dims[1] ?? 1
      if (x) s.add('InstanceNormalization', [x.name, scales(s, c), s.weights([c])], x.dims, { epsilon: float(0.1) })
    },
  },
  {
    name: 'LayerNormalization',
    since: 17,
    run: (s) => {
      const x = s.pick((dims) => dims.length >= 2 && (dims.at(-1) ?? 1) > 1)
      if (!x) return
      const from = s.int(1, x.dims.length - 1)
      const own = x.dims.slice(from)
      const axis = s.chance(0.5) ? from : from - x.dims.length
      const bias = s.chance(0.5) ? [s.weights(own)] : []
      s.add('LayerNormalization', [x.name, s.weights(own), ...bias], x.dims, { axis, epsilon: float(0.1) })
    },
  },
  {
    name: 'LRN',
    run: (s) => {
      const x = s.pick((dims) => dims.length === 4)
      if (x)
        s.add('LRN', [x.name], x.dims, { size: s.of([1, 3]), alpha: float(0.5), beta: float(0.75), bias: float(1) })
    },
  },
]

export const PLACE_STEPS: readonly Step[] = [
  ...CONVOLUTIONS,
  pool('MaxPool', () => ({}), { ceil: true, dilate: true }),
  pool('AveragePool', (s) => ({ count_include_pad: s.int(0, 1) }), { ceil: true, dilate: false }),
  global('GlobalAveragePool'),
  global('GlobalMaxPool'),
  ...NORMALISATIONS,
]
