/** Samples of operators that read pictures between pixels. */

import { float32, tensor } from '../../../src/core/tensor.js'
import { float } from '../../../src/onnx/attributes.js'
import { NEWEST_OPSET } from '../../support/model.js'
import {
  defineSamples,
  distinct,
  fed,
  fixed,
  type Input,
  type InputSpec,
  ints,
  normal,
  type Sample,
  type SmoothSample,
  typed,
  uniform,
  values,
} from '../sample.js'

const SINCE_16 = [18, 16, NEWEST_OPSET]
/** `bilinear` and `bicubic` were the names of the modes until opset 20. */
const FROM_16_TO_19 = [18, 16, 19]
/** ORT 1.30 has no kernel for the versions of RoiAlign and MaxRoiPool of opset 22, which add types only. */
const FROM_16_TO_21 = [18, 16, 21]
const SINCE_20 = [20, NEWEST_OPSET]

/**
 * A grid `[N, ...out, d]` of places all over a picture of `extents` (`[H, W]` or `[D, H, W]`) and some pixels beyond, none near a
 * pixel's centre or halfway between two, where the slope jumps.
 */
function places(n: number, out: readonly number[], extents: readonly number[], aligned: boolean): InputSpec {
  const dims = [n, ...out, extents.length]
  return {
    make: (r) => {
      const count = dims.reduce((p, e) => p * e, 1)
      const data = Array.from({ length: count }, (_, i) => {
        const extent = extents[extents.length - 1 - (i % extents.length)] ?? 1
        const beyond = extents.length === 3 ? 1 : 3
        const whole = Math.floor(r.next() * (extent + 2 * beyond)) - beyond
        const pixel = whole + (r.next() < 0.5 ? 0.12 + 0.26 * r.next() : 0.62 + 0.26 * r.next())
        return aligned ? (2 * pixel) / (extent - 1) - 1 : (2 * pixel + 1) / extent - 1
      })
      return tensor('float32', dims, Float32Array.from(data))
    },
    stored: false,
    wanted: true,
  }
}

const gridSamples: Sample[] = ['zeros', 'border', 'reflection'].flatMap((padding) =>
  [false, true].flatMap((aligned) => {
    const at = { padding_mode: padding, align_corners: aligned ? 1 : 0 }
    const name = `${padding}${aligned ? '-aligned' : ''}`
    const flat = [normal([2, 2, 4, 3]), places(2, [3, 2], [4, 3], aligned)]
    const solid = [normal([1, 2, 3, 2, 3]), places(1, [3, 2, 3], [3, 2, 3], aligned)]
    return [
      { name: `bilinear-${name}`, opsets: FROM_16_TO_19, attributes: { ...at, mode: 'bilinear' }, inputs: flat },
      { name: `bicubic-${name}`, opsets: FROM_16_TO_19, attributes: { ...at, mode: 'bicubic' }, inputs: flat },
      { name: `nearest-${name}`, opsets: SINCE_16, attributes: { ...at, mode: 'nearest' }, inputs: flat },
      { name: `linear-${name}`, opsets: SINCE_20, attributes: { ...at, mode: 'linear' }, inputs: flat },
      { name: `cubic-${name}`, opsets: SINCE_20, attributes: { ...at, mode: 'cubic' }, inputs: flat },
      { name: `linear-3-d-${name}`, opsets: SINCE_20, attributes: { ...at, mode: 'linear' }, inputs: solid },
      { name: `nearest-3-d-${name}`, opsets: SINCE_20, attributes: { ...at, mode: 'nearest' }, inputs: solid },
    ]
  }),
)

const affine = (name: string, theta: readonly number[], size: Input, aligned: number): Sample => ({
  name,
  opsets: SINCE_20,
  attributes: { align_corners: aligned },
  inputs: [normal(theta), size],
})

/** Corners x1, y1, x2, y2 of five regions of pictures of 5 rows and 6 columns, one far outside, one smaller than a pixel. */
const REGIONS = [0.7, 1.1, 4.3, 3.9, -2.2, 0.4, 3.1, 7.3, 2.15, 2.35, 2.6, 2.5, 0, 0, 5, 4, 7.2, 8.1, 9.4, 9.9]

function regionInputs(): Input[] {
  return [fixed(values([5, 4], REGIONS)), fed(ints([0, 1, 1, 0, 1]))]
}

function regions(name: string, attributes: SmoothSample['attributes'], more: Partial<SmoothSample> = {}): Sample {
  return {
    name,
    attributes: { output_height: 2, output_width: 3, ...attributes },
    inputs: [normal([2, 2, 5, 6]), ...regionInputs()],
    opsets: FROM_16_TO_21,
    ...more,
  }
}

/** Numbers far apart, since products of weights and pixels are compared. */
const PRODUCTS = { inputs: [normal([2, 2, 5, 6], { scale: 5 }), ...regionInputs()] }

const EDGES = { coordinate_transformation_mode: 'output_half_pixel' }

/** Picture, x1, y1, x2, y2: whole, partly and wholly outside (a region without pixels), and one of a pixel. */
const BINS = [0, 0, 0, 5, 4, 1, 1, 2, 7, 6, 1, 9, 9, 12, 12, 0, 3, 1, 3, 1]

interface Deformed {
  readonly attributes?: NonNullable<Sample['attributes']>
  readonly mask?: true
  readonly bias?: true
}

/** Kernels moved by up to two pixels, so that some leave the picture; no place is near a pixel's centre, where the slope jumps. */
function deformed(
  name: string,
  x: readonly number[],
  w: readonly number[],
  out: readonly [number, number],
  more: Deformed = {},
): Sample {
  const [n = 1] = x
  const { attributes = {} } = more
  const size = (w[2] ?? 1) * (w[3] ?? 1) * ('offset_group' in attributes ? 2 : 1)
  const away: InputSpec = {
    ...normal([n, size * 2, ...out]),
    make: (r) => {
      const dims = [n, size * 2, ...out]
      const count = dims.reduce((p, e) => p * e, 1)
      return float32(
        dims,
        Array.from({ length: count }, () => Math.floor(r.next() * 4) - 2 + 0.12 + 0.76 * r.next()),
      )
    },
  }
  const inputs: Input[] = [normal(x), normal(w), away]
  if (more.mask || more.bias) inputs.push(more.bias ? normal([w[0] ?? 1]) : undefined)
  if (more.mask) inputs.push(normal([n, size, ...out]))
  return { name, opsets: [19, NEWEST_OPSET], attributes, inputs }
}

export const sampling = defineSamples({
  GridSample: [
    ...gridSamples,
    {
      name: 'one-pixel-wide',
      opsets: FROM_16_TO_19,
      attributes: { mode: 'bilinear', padding_mode: 'reflection' },
      inputs: [normal([1, 2, 1, 3]), places(1, [2, 2], [1, 3], false)],
    },
    {
      name: 'picture-only',
      opsets: FROM_16_TO_19,
      attributes: { mode: 'bicubic' },
      inputs: [normal([1, 1, 3, 3]), fixed(uniform([1, 2, 3, 2], -1.2, 1.2))],
    },
    {
      name: 'grid-only',
      opsets: FROM_16_TO_19,
      attributes: { mode: 'bilinear' },
      inputs: [fixed(normal([1, 2, 3, 4])), places(1, [2, 2], [3, 4], false)],
    },
  ],
  AffineGrid: [
    affine('flat', [2, 2, 3], ints([2, 1, 3, 4]), 0),
    affine('flat-aligned', [2, 2, 3], ints([2, 3, 2, 4]), 1),
    affine('solid', [1, 3, 4], ints([1, 1, 2, 3, 2]), 0),
    affine('solid-aligned', [2, 3, 4], ints([2, 1, 3, 2, 2]), 1),
    affine('computed', [1, 2, 3], fed(ints([1, 1, 2, 3])), 1),
  ],
  RoiAlign: [
    regions('adaptive', {}),
    regions('one', { sampling_ratio: 1 }),
    regions('two-scaled', { sampling_ratio: 2, spatial_scale: float(0.7) }),
    regions('adaptive-scaled', { spatial_scale: float(0.3) }),
    regions('edges', { ...EDGES, sampling_ratio: 2 }),
    regions('edges-adaptive', { ...EDGES, spatial_scale: float(0.6) }),
    regions('old', { sampling_ratio: 2, spatial_scale: float(0.8) }, { opsets: [10, 11, 13] }),
    regions('max-one', { mode: 'max', sampling_ratio: 1 }, PRODUCTS),
    regions('max-two-scaled', { mode: 'max', sampling_ratio: 2, spatial_scale: float(0.7) }, PRODUCTS),
    regions('max-three-edges', { ...EDGES, mode: 'max', sampling_ratio: 3 }, PRODUCTS),
    {
      name: 'max-one-row',
      opsets: [18],
      attributes: { mode: 'max', sampling_ratio: 2, output_width: 2 },
      inputs: [
        normal([1, 2, 1, 4], { scale: 5 }),
        fixed(values([2, 4], [0.2, 0.1, 2.9, 1, 1.2, 0, 2.2, 0.8])),
        typed('int64', [2], [0, 0]),
      ],
    },
    {
      name: 'one-picture',
      opsets: FROM_16_TO_21,
      attributes: { output_height: 3, output_width: 1 },
      inputs: [
        normal([1, 3, 4, 4]),
        fixed(values([2, 4], [0, 0, 3.2, 3.4, 1.1, 0.2, 2, 3])),
        typed('int64', [2], [0, 0]),
      ],
    },
  ],
  MaxRoiPool: [
    {
      name: 'regions',
      opsets: [18, 7, 11, 21],
      attributes: { pooled_shape: [2, 3] },
      inputs: [distinct([2, 2, 5, 6]), fixed(values([4, 5], BINS))],
    },
    {
      name: 'scaled',
      opsets: [18],
      attributes: { pooled_shape: [3, 2], spatial_scale: float(0.5) },
      inputs: [distinct([2, 1, 5, 6]), fixed(values([4, 5], BINS))],
    },
    {
      name: 'tie',
      opsets: [18],
      attributes: { pooled_shape: [1, 1] },
      inputs: [values([1, 1, 2, 2], [1, 3, 3, 2]), fixed(values([1, 5], [0, 0, 0, 1, 1]))],
      pin: { gy: [5], gradients: [[0, 5, 0, 0]] },
    },
  ],
  DeformConv: [
    deformed('plain', [2, 2, 4, 5], [3, 2, 2, 3], [3, 3]),
    deformed('masked', [1, 2, 4, 4], [2, 2, 2, 2], [3, 3], { mask: true, bias: true }),
    deformed('strides', [1, 2, 5, 6], [2, 2, 3, 2], [3, 4], {
      attributes: { strides: [2, 1], pads: [1, 0, 1, 0], dilations: [1, 2] },
      mask: true,
    }),
    deformed('groups', [1, 4, 4, 4], [4, 2, 2, 2], [3, 3], { attributes: { group: 2, offset_group: 2 }, mask: true }),
    deformed('offset-groups', [2, 4, 3, 4], [2, 4, 2, 1], [2, 4], { attributes: { offset_group: 2 }, bias: true }),
    deformed('depthwise', [1, 2, 4, 4], [2, 1, 3, 3], [4, 4], { attributes: { group: 2, pads: [1, 1, 1, 1] } }),
    deformed('pointwise', [1, 3, 3, 3], [2, 3, 1, 1], [3, 3], { mask: true }),
  ],
})
