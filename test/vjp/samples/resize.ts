/** Samples of Resize: every mode, every transformation of coordinates, growing and shrinking. */
import { type AttributeValue, float } from '../../../src/onnx/attributes.js'
import { NEWEST_OPSET } from '../../support/model.js'
import { defineSamples, fed, fixed, type Input, ints, normal, type Sample, stored, values } from '../sample.js'

type Attributes = Readonly<Record<string, AttributeValue>>

const SINCE_19: readonly number[] = [19, NEWEST_OPSET]

const floats = (data: readonly number[]): Input => stored(fixed(values([data.length], data)))

/** By scales, of a picture `[1, 2, 4, 5]` unless said otherwise. */
function scaled(name: string, scales: readonly number[], attributes: Attributes, more: Partial<Sample> = {}): Sample {
  const x = normal(scales.length === 2 ? [4, 5] : [1, 2, 4, 5])
  return { name, attributes, inputs: [x, undefined, floats(scales)], ...more }
}

function sized(name: string, sizes: readonly number[], attributes: Attributes, more: Partial<Sample> = {}): Sample {
  const inputs = [normal([1, 2, 4, 5]), undefined, undefined, ints(sizes)]
  return { name, attributes, inputs, ...more }
}

const NEAREST = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']
const COORDINATES = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
]
/** Opset 19 brought it. */
const opsetsOf = (coordinates: string): Partial<Sample> =>
  coordinates === 'half_pixel_symmetric' ? { opsets: SINCE_19 } : {}

const GROWN = [1, 1, 1.7, 2.4]
const SHRUNK = [1, 1, 0.6, 0.45]

/** `nearest` gives the same element at several rounding modes; where all four agree a wrong one would not be seen. */
const everyMode: Sample[] = COORDINATES.flatMap((coordinates) => {
  const at = { coordinate_transformation_mode: coordinates }
  const more = opsetsOf(coordinates)
  return [
    ...NEAREST.map((nearest_mode) =>
      scaled(`nearest-${coordinates}-${nearest_mode}`, GROWN, { ...at, mode: 'nearest', nearest_mode }, more),
    ),
    scaled(`nearest-${coordinates}-shrunk`, SHRUNK, { ...at, mode: 'nearest' }, more),
    scaled(`linear-${coordinates}`, GROWN, { ...at, mode: 'linear' }, more),
    scaled(`linear-${coordinates}-shrunk`, SHRUNK, { ...at, mode: 'linear' }, more),
    scaled(`linear-${coordinates}-antialias`, SHRUNK, { ...at, mode: 'linear', antialias: 1 }, more),
    scaled(`cubic-${coordinates}`, GROWN, { ...at, mode: 'cubic' }, more),
    scaled(`cubic-${coordinates}-excluded`, SHRUNK, { ...at, mode: 'cubic', exclude_outside: 1 }, more),
    scaled(`cubic-${coordinates}-antialias`, SHRUNK, { ...at, mode: 'cubic', antialias: 1 }, more),
  ]
})

const crop = { coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: float(3) }
const region = [0, 0, 0.2, -0.3, 1, 1, 0.9, 1.1]
const cropped = (mode: string, roi: Input): Sample => ({
  name: `${mode}-crop`,
  attributes: { ...crop, mode },
  inputs: [normal([1, 2, 4, 5]), roi, undefined, ints([1, 2, 5, 6])],
})

const asymmetric = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
const corners = { coordinate_transformation_mode: 'align_corners' }
const pytorch = { coordinate_transformation_mode: 'pytorch_half_pixel' }

const old = (operator: string, opset: number, mode: string, scales: readonly number[]): Sample => ({
  name: `${operator.toLowerCase()}-${opset}-${mode}-${scales.join('x')}`,
  operator,
  opsets: [opset],
  attributes: opset < 9 ? { mode, scales: float(scales) } : { mode },
  inputs: [normal([1, 2, 4, 5]), ...(opset < 9 ? [] : [floats(scales)])],
})

export const resize = defineSamples({
  Resize: [
    ...everyMode,
    // as PyTorch exports them
    sized('pytorch-nearest', [1, 2, 7, 8], { ...asymmetric, mode: 'nearest' }, { opsets: [18, 11, 13, NEWEST_OPSET] }),
    scaled(
      'pytorch-nearest-twice',
      [1, 1, 2, 2],
      { ...asymmetric, mode: 'nearest' },
      { opsets: [18, 11, 13, NEWEST_OPSET] },
    ),
    sized('pytorch-bilinear', [1, 2, 8, 10], { ...pytorch, mode: 'linear' }, { opsets: [18, 11, 13, NEWEST_OPSET] }),
    sized('pytorch-bilinear-corners', [1, 2, 7, 3], { ...corners, mode: 'linear' }),
    sized('pytorch-bicubic', [1, 2, 6, 9], { ...pytorch, mode: 'cubic', cubic_coeff_a: float(-0.75) }),
    sized('pytorch-bicubic-corners', [1, 2, 3, 9], { ...corners, mode: 'cubic', cubic_coeff_a: float(-0.75) }),
    // whole enlargements, which go back by pooling
    scaled('nearest-2x3', [1, 1, 2, 3], { mode: 'nearest' }),
    sized('nearest-2x3-sizes', [1, 2, 8, 15], { mode: 'nearest', ...asymmetric }),
    scaled('nearest-rows', [1, 1, 1, 3], { mode: 'nearest', nearest_mode: 'round_prefer_ceil' }),
    scaled('nearest-3-corners', [1, 1, 3, 3], { mode: 'nearest', ...corners }),
    scaled('nearest-3-ceil', [1, 1, 3, 3], { mode: 'nearest', ...asymmetric, nearest_mode: 'ceil' }),
    scaled('nearest-everywhere', [2, 3, 2, 1], { mode: 'nearest' }),
    scaled('nothing', [1, 1, 1, 1], { mode: 'linear' }),
    // ranks
    scaled('nearest-1-d', [2.5], { mode: 'nearest' }, { inputs: [normal([4]), undefined, floats([2.5])] }),
    scaled('linear-2-d', [1.6, 2], { mode: 'linear' }),
    scaled('cubic-2-d', [0.7, 2], { mode: 'cubic' }),
    scaled('linear-3-d', [], { mode: 'linear' }, { inputs: [normal([2, 3, 4]), undefined, floats([1.7, 1, 1.5])] }),
    scaled(
      'linear-5-d',
      [],
      { mode: 'linear' },
      { inputs: [normal([1, 2, 2, 3, 3]), undefined, floats([1, 1, 2, 1.5, 1.4])] },
    ),
    scaled(
      'nearest-5-d',
      [],
      { mode: 'nearest' },
      { inputs: [normal([1, 2, 2, 1, 3]), undefined, floats([1, 1, 2, 3, 1])] },
    ),
    scaled('linear-channels-last', [1, 1.5, 2, 1], { mode: 'linear' }),
    scaled('cubic-channels-last', [1, 1.5, 2, 1], { mode: 'cubic', cubic_coeff_a: float(-0.5) }),
    // what is computed
    {
      name: 'computed-scales',
      attributes: { mode: 'linear' },
      inputs: [normal([1, 2, 3, 3]), undefined, fed(fixed(values([4], [1, 1, 2, 1.5])))],
    },
    {
      name: 'computed-sizes',
      attributes: { mode: 'cubic' },
      inputs: [normal([1, 2, 3, 3]), undefined, undefined, fed(ints([1, 2, 5, 4]))],
    },
    {
      name: 'computed-nearest',
      attributes: { mode: 'nearest' },
      inputs: [normal([2, 1, 3, 3]), undefined, fed(fixed(values([4], [1, 1, 2, 2])))],
    },
    // crops
    cropped('linear', floats(region)),
    cropped('nearest', floats(region)),
    cropped('cubic', floats(region)),
    { ...cropped('linear', fed(fixed(values([8], region)))), name: 'computed-crop' },
    {
      name: 'crop-axes',
      attributes: { ...crop, mode: 'linear', axes: [3, 2] },
      inputs: [normal([1, 2, 4, 5]), floats([0.1, 0, 1.2, 1]), undefined, ints([4, 4])],
    },
    // axes and proportions
    sized('axes', [6, 7], { mode: 'linear', axes: [2, 3] }),
    sized('axes-unordered', [7, 6], { mode: 'linear', axes: [-1, 2] }),
    scaled(
      'axes-scales',
      [1.5, 2],
      { mode: 'cubic', axes: [3, 2] },
      { inputs: [normal([1, 2, 4, 5]), undefined, floats([1.5, 2])] },
    ),
    sized('not-larger', [9, 7], { mode: 'linear', axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }),
    sized('not-smaller', [9, 7], { mode: 'cubic', axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' }),
    sized('not-smaller-shrunk', [2, 4], { mode: 'nearest', axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' }),
    // old forms
    old('Upsample', 7, 'nearest', [1, 1, 2, 3]),
    old('Upsample', 7, 'linear', [1, 1, 2, 1.5]),
    old('Upsample', 9, 'nearest', [1, 1, 2, 2]),
    old('Upsample', 9, 'linear', [1, 1, 2, 3]),
    old('Resize', 10, 'nearest', [1, 1, 2, 0.5]),
    old('Resize', 10, 'nearest', [1, 1, 1.5, 2]),
    old('Resize', 10, 'linear', [1, 1, 0.6, 1.7]),
  ],
})
