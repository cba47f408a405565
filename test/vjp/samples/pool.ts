/** Samples of pooling. */
import { NEWEST_OPSET } from '../../support/model.js'
import {
  awayFromZero,
  defineSamples,
  distinct,
  type InputSpec,
  ints,
  normal,
  type Sample,
  SINCE_7,
  type SmoothSample,
  values,
} from '../sample.js'

type Make = (dims: readonly number[]) => InputSpec

interface Window {
  readonly x: readonly number[]
  readonly attributes: NonNullable<Sample['attributes']>
  readonly opsets?: readonly number[]
}

/** The lowest float32. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127
const SINCE_10 = [18, 10, 11, NEWEST_OPSET]

/** Windows that every pooling operator has had since opset 7. */
const WINDOWS: Readonly<Record<string, Window>> = {
  tiles: { x: [2, 2, 4, 4], attributes: { kernel_shape: [2, 2], strides: [2, 2] }, opsets: SINCE_7 },
  'tiles-leftover': { x: [1, 2, 5, 4], attributes: { kernel_shape: [2, 3], strides: [2, 3] } },
  'tiles-padded': { x: [1, 1, 4, 5], attributes: { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 1, 0, 0] } },
  overlapping: {
    x: [1, 2, 5, 6],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    opsets: SINCE_7,
  },
  'stride-1': { x: [1, 2, 4, 4], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
  'stride-1-unpadded': { x: [2, 1, 4, 4], attributes: { kernel_shape: [3, 2] } },
  'asymmetric-pads': { x: [1, 2, 4, 5], attributes: { kernel_shape: [3, 2], strides: [2, 1], pads: [0, 1, 2, 0] } },
  leftover: { x: [1, 1, 6, 8], attributes: { kernel_shape: [3, 2], strides: [2, 3] } },
  gaps: { x: [1, 1, 8, 7], attributes: { kernel_shape: [2, 1], strides: [3, 2] } },
  'same-upper': { x: [1, 2, 5, 4], attributes: { kernel_shape: [3, 2], strides: [2, 1], auto_pad: 'SAME_UPPER' } },
  'same-lower': { x: [1, 2, 5, 4], attributes: { kernel_shape: [2, 3], strides: [1, 2], auto_pad: 'SAME_LOWER' } },
  valid: { x: [1, 1, 5, 5], attributes: { kernel_shape: [2, 2], strides: [2, 1], auto_pad: 'VALID' } },
  '1-d': { x: [2, 2, 6], attributes: { kernel_shape: [3], strides: [2], pads: [1, 0] } },
  '3-d': { x: [1, 1, 3, 4, 3], attributes: { kernel_shape: [2, 2, 2], strides: [1, 2, 2], pads: [1, 0, 0, 0, 0, 1] } },
  whole: { x: [2, 2, 3, 2], attributes: { kernel_shape: [3, 2] } },
}

/** Rounding up, since opset 10 (LpPool: 18). */
const CEILED: Readonly<Record<string, Window>> = {
  ceil: { x: [1, 2, 5, 5], attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 } },
  'ceil-padded': {
    x: [1, 1, 6, 6],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 },
  },
  'ceil-overlapping': { x: [1, 1, 6, 7], attributes: { kernel_shape: [3, 4], strides: [2, 2], ceil_mode: 1 } },
}

const DILATED: Readonly<Record<string, Window>> = {
  dilation: { x: [1, 2, 6, 5], attributes: { kernel_shape: [2, 3], dilations: [3, 2] } },
  'dilation-stride': {
    x: [1, 1, 7, 7],
    attributes: { kernel_shape: [2, 3], dilations: [2, 2], strides: [2, 2], pads: [1, 1, 0, 1] },
  },
}

function over(windows: Readonly<Record<string, Window>>, make: Make, more: Partial<Window> = {}): Sample[] {
  return Object.entries(windows).map(([name, w]) => ({
    name,
    ...((more.opsets ?? w.opsets) ? { opsets: more.opsets ?? w.opsets ?? [] } : {}),
    attributes: { ...w.attributes, ...more.attributes },
    inputs: [make(w.x)],
  }))
}

function renamed(samples: readonly Sample[], prefix: string): Sample[] {
  return samples.map((s) => ({ ...s, name: `${prefix}-${s.name}` }))
}

const spaced: Make = (dims) => distinct(dims)
const away: Make = (dims) => awayFromZero(dims)
const counted = { attributes: { count_include_pad: 1 } }

function overSpace(make: Make): Sample[] {
  return [
    { name: 'pictures', opsets: SINCE_7, inputs: [make([2, 3, 3, 2])] },
    { name: '1-d', inputs: [make([2, 2, 5])] },
    { name: '3-d', inputs: [make([1, 2, 2, 3, 2])] },
    { name: 'one-pixel', inputs: [make([2, 3, 1, 1])] },
  ]
}

/** Indices count through the whole output. */
function unpool(
  name: string,
  x: readonly number[],
  indices: readonly number[],
  attributes: NonNullable<Sample['attributes']>,
  opsets?: readonly number[],
): SmoothSample {
  return { name, attributes, ...(opsets ? { opsets } : {}), inputs: [normal(x), ints(indices, x)] }
}

export const pool = defineSamples({
  MaxPool: [
    ...over(WINDOWS, spaced),
    ...over(CEILED, spaced, { opsets: SINCE_10 }),
    ...over(DILATED, spaced, { opsets: SINCE_10 }),
    {
      name: 'with-indices',
      opsets: [18, 8, 11, NEWEST_OPSET],
      attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
      inputs: [spaced([2, 2, 4, 5])],
      outputs: 2,
    },
    {
      name: 'column-major-indices',
      attributes: { kernel_shape: [2, 2], strides: [2, 1], storage_order: 1 },
      inputs: [spaced([2, 2, 4, 3])],
      outputs: 2,
    },
    {
      name: 'float64',
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      inputs: [distinct([1, 2, 4, 4], 0.1, { type: 'float64' })],
    },
    {
      name: 'tie',
      attributes: { kernel_shape: [2, 2], strides: [1, 2] },
      pin: { gy: [1, 10, 100, 1000], gradients: [[1, 0, 0, 10, 100, 0, 0, 0, 0, 0, 1000, 0]] },
      inputs: [values([1, 1, 3, 4], [5, 5, 0, 2, 5, 5, 0, 1, 5, 5, 7, 7])],
    },
    {
      name: 'tie-of-row-and-column',
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      pin: { gy: [1, 10], gradients: [[0, 1, 0, 0, 0, 0, 10, 0]] },
      inputs: [values([1, 1, 2, 4], [0, 5, 0, 1, 5, 5, 2, 2])],
    },
    {
      name: 'tie-dilated',
      attributes: { kernel_shape: [2, 2], dilations: [1, 2] },
      pin: { gy: [1, 10], gradients: [[0, 0, 1, 10, 0, 0, 0, 0]] },
      inputs: [values([1, 1, 2, 4], [0, 0, 4, 7, 4, 0, 4, 7])],
    },
    {
      name: 'tie-3-d',
      attributes: { kernel_shape: [2, 2, 2], strides: [1, 1, 2] },
      pin: { gy: [1, 10], gradients: [[0, 0, 1, 0, 0, 10, 0, 0, 0, 0, 0, 0]] },
      inputs: [values([1, 1, 3, 2, 2], [0, 1, 3, 3, 0, 3, 3, 0, 2, 3, 3, 3])],
    },
    {
      // numbers of which there is none smaller: padding does not take their place
      name: 'lowest-padded',
      attributes: { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1] },
      pin: { gy: [1, 10, 100, 1000], gradients: [[1, 10, 100, 1000]] },
      inputs: [values([1, 1, 2, 2], [LOWEST, LOWEST, LOWEST, LOWEST])],
    },
  ],
  AveragePool: [
    ...over(WINDOWS, normal),
    ...over(CEILED, normal, { opsets: SINCE_10 }),
    ...over(DILATED, normal, { opsets: [19, NEWEST_OPSET] }),
    ...renamed(over(WINDOWS, normal, counted), 'counted'),
    ...renamed(over(CEILED, normal, { ...counted, opsets: SINCE_10 }), 'counted'),
    ...renamed(over(DILATED, normal, { ...counted, opsets: [19, NEWEST_OPSET] }), 'counted'),
  ],
  LpPool: [
    ...over(WINDOWS, away),
    ...over(CEILED, away),
    ...over(DILATED, away, { opsets: [19, NEWEST_OPSET] }),
    ...[1, 3, 4].map(
      (p): Sample => ({
        name: `p-${p}`,
        attributes: { kernel_shape: [3, 2], strides: [2, 1], p },
        inputs: [away([1, 2, 5, 4])],
      }),
    ),
  ],
  GlobalAveragePool: overSpace(normal),
  GlobalMaxPool: [
    ...overSpace(spaced),
    {
      name: 'tie',
      pin: { gy: [1, 10], gradients: [[0, 1, 0, 0, 10, 0, 0, 0]] },
      inputs: [values([1, 2, 2, 2], [0, 3, 3, 1, 2, 2, 2, 2])],
    },
  ],
  GlobalLpPool: [
    // ORT 1.30 has none from opset 22 on
    ...overSpace(away).map((s) => ({ ...s, opsets: [18, 7] })),
    ...[1, 3].map((p): Sample => ({ name: `p-${p}`, opsets: [18], attributes: { p }, inputs: [away([2, 2, 2, 3])] })),
  ],
  MaxUnpool: [
    unpool('tiles', [1, 2, 2, 2], [0, 3, 8, 11, 17, 18, 24, 31], { kernel_shape: [2, 2], strides: [2, 2] }, [
      18,
      9,
      11,
      NEWEST_OPSET,
    ]),
    unpool('overlapping', [1, 1, 2, 3], [0, 2, 11, 19, 18, 7], {
      kernel_shape: [3, 2],
      strides: [2, 1],
      pads: [0, 0, 0, 0],
    }),
    unpool('1-d', [2, 1, 3], [1, 2, 5, 6, 9, 11], { kernel_shape: [2], strides: [2] }),
    unpool('3-d', [1, 1, 1, 2, 1], [1, 6], { kernel_shape: [2, 2, 1], strides: [2, 2, 1] }),
    {
      ...unpool('output-shape', [1, 1, 2, 2], [0, 3, 14, 19], { kernel_shape: [2, 2], strides: [2, 2] }),
      inputs: [normal([1, 1, 2, 2]), ints([0, 3, 14, 19], [1, 1, 2, 2]), ints([1, 1, 5, 5])],
    },
  ],
})
