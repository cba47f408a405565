/** Samples of convolutions. */
import { defineSamples, fed, type Input, ints, normal, type Sample, SINCE_7, SINCE_11, stored } from '../sample.js'

type Extra = Partial<Pick<Sample, 'opsets' | 'attributes'>> & { readonly bias?: number; readonly fedWeight?: true }

function sample(name: string, x: readonly number[], w: readonly number[], extra: Extra = {}): Sample {
  const { bias, fedWeight, ...rest } = extra
  const weight = normal(w)
  const inputs: Input[] = [normal(x), fedWeight ? weight : stored(weight)]
  if (bias !== undefined) inputs.push(stored(normal([bias])))
  return { name, ...rest, inputs }
}

const group2 = { group: 2, pads: [1, 1, 1, 1] }

/** Blocks `[N, C k, L]` of a picture. */
function blocks(
  name: string,
  x: readonly number[],
  picture: readonly number[],
  block: readonly number[],
  attributes: NonNullable<Sample['attributes']> = {},
): Sample {
  return { name, attributes, inputs: [normal(x), ints(picture), ints(block)] }
}

export const conv = defineSamples({
  Col2Im: [
    blocks('plain', [2, 8, 12], [4, 5], [2, 2]),
    blocks('tiles', [1, 6, 4], [4, 6], [2, 3], { strides: [2, 3] }),
    blocks('all', [1, 12, 6], [6, 7], [3, 2], { strides: [2, 3], dilations: [2, 1], pads: [0, 1, 1, 2] }),
    blocks('1-d', [2, 6, 4], [8], [3], { strides: [2], pads: [1, 0] }),
    blocks('3-d', [1, 8, 4], [2, 3, 3], [2, 2, 2]),
    {
      name: 'computed',
      attributes: { strides: [1, 2], pads: [1, 0, 0, 1] },
      inputs: [normal([1, 4, 9]), fed(ints([3, 5])), fed(ints([2, 2]))],
    },
  ],
  Conv: [
    sample('plain', [2, 2, 4, 4], [3, 2, 3, 3], { opsets: SINCE_7, bias: 3 }),
    sample('pointwise', [2, 3, 3, 2], [2, 3, 1, 1], { opsets: SINCE_11 }),
    sample('pointwise-stride', [1, 2, 4, 5], [3, 2, 1, 1], { attributes: { strides: [2, 2] } }),
    sample('padded', [1, 2, 4, 4], [2, 2, 3, 3], { attributes: { pads: [1, 1, 1, 1], kernel_shape: [3, 3] }, bias: 2 }),
    sample('asymmetric-pads', [1, 2, 4, 3], [2, 2, 3, 2], { attributes: { pads: [0, 1, 2, 0] } }),
    sample('pads-beyond-kernel', [1, 1, 3, 3], [2, 1, 2, 2], { attributes: { pads: [2, 3, 1, 2] } }),
    sample('stride', [2, 2, 5, 5], [2, 2, 3, 3], {
      attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
      opsets: SINCE_7,
    }),
    sample('stride-leftover', [1, 2, 6, 7], [2, 2, 3, 2], { attributes: { strides: [2, 3] } }),
    sample('stride-beyond-kernel', [1, 2, 7, 8], [2, 2, 2, 1], { attributes: { strides: [3, 3], pads: [0, 1, 0, 0] } }),
    sample('stride-pads-beyond-kernel', [1, 1, 4, 4], [1, 1, 2, 2], {
      attributes: { strides: [2, 2], pads: [3, 2, 2, 3] },
    }),
    sample('dilation', [1, 2, 6, 5], [2, 2, 3, 2], { attributes: { dilations: [2, 3], pads: [1, 0, 0, 1] } }),
    sample('dilation-stride', [1, 2, 7, 7], [2, 2, 2, 3], {
      attributes: { dilations: [3, 2], strides: [2, 2], pads: [1, 2, 0, 1] },
    }),
    sample('groups', [2, 4, 3, 3], [6, 2, 3, 3], { attributes: group2, bias: 6 }),
    sample('groups-stride', [2, 4, 5, 5], [4, 2, 3, 3], { attributes: { ...group2, strides: [2, 2] } }),
    sample('groups-asymmetric', [1, 4, 4, 4], [2, 2, 3, 2], {
      attributes: { group: 2, pads: [0, 1, 1, 0], dilations: [1, 2] },
    }),
    sample('depthwise', [2, 3, 4, 4], [3, 1, 3, 3], {
      attributes: { group: 3, pads: [1, 1, 1, 1] },
      opsets: SINCE_7,
      bias: 3,
    }),
    sample('depthwise-stride', [1, 3, 5, 5], [3, 1, 3, 3], {
      attributes: { group: 3, pads: [1, 1, 1, 1], strides: [2, 2] },
    }),
    sample('depthwise-multiplier', [1, 2, 4, 4], [4, 1, 3, 3], { attributes: { group: 2 } }),
    sample('same-upper', [1, 2, 5, 4], [2, 2, 3, 2], { attributes: { auto_pad: 'SAME_UPPER' } }),
    sample('same-lower', [1, 2, 5, 4], [2, 2, 2, 4], { attributes: { auto_pad: 'SAME_LOWER' } }),
    sample('same-upper-stride', [1, 2, 5, 6], [2, 2, 3, 3], {
      attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] },
      opsets: SINCE_7,
    }),
    sample('same-lower-stride', [1, 2, 6, 5], [2, 2, 3, 2], {
      attributes: { auto_pad: 'SAME_LOWER', strides: [2, 3] },
    }),
    sample('same-stride-beyond-kernel', [1, 1, 7, 7], [1, 1, 1, 2], {
      attributes: { auto_pad: 'SAME_UPPER', strides: [3, 3] },
    }),
    sample('valid', [1, 2, 5, 4], [2, 2, 3, 2], { attributes: { auto_pad: 'VALID', strides: [2, 1] } }),
    sample('1-d', [2, 2, 5], [3, 2, 3], { attributes: { pads: [1, 1] }, bias: 3, opsets: SINCE_7 }),
    sample('1-d-stride-dilation', [1, 2, 9], [2, 2, 3], { attributes: { strides: [2], dilations: [2], pads: [2, 1] } }),
    sample('3-d', [1, 2, 3, 3, 3], [2, 2, 2, 3, 2], { attributes: { pads: [1, 1, 0, 0, 1, 1] }, bias: 2 }),
    sample('3-d-stride-groups', [1, 2, 4, 3, 3], [2, 1, 2, 2, 2], { attributes: { strides: [2, 1, 2], group: 2 } }),
    sample('computed-weight', [1, 2, 4, 4], [2, 2, 3, 3], {
      attributes: { pads: [1, 1, 1, 1] },
      fedWeight: true,
      bias: 2,
    }),
    sample('computed-weight-groups', [1, 4, 4, 4], [4, 2, 3, 3], {
      attributes: { ...group2, strides: [2, 2], kernel_shape: [3, 3] },
      fedWeight: true,
    }),
    sample('whole-picture', [2, 2, 3, 3], [4, 2, 3, 3]),
  ],
  ConvTranspose: [
    sample('plain', [2, 2, 3, 3], [2, 3, 3, 3], { opsets: SINCE_7, bias: 3 }),
    sample('stride', [1, 2, 3, 3], [2, 2, 3, 3], {
      attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
      opsets: SINCE_11,
    }),
    sample('kernel-is-stride', [1, 2, 2, 3], [2, 2, 2, 2], { attributes: { strides: [2, 2] } }),
    sample('output-padding', [1, 2, 3, 3], [2, 2, 3, 3], {
      attributes: { strides: [2, 3], pads: [1, 1, 1, 1], output_padding: [1, 2] },
    }),
    sample('asymmetric-pads', [1, 2, 3, 4], [2, 2, 3, 3], { attributes: { pads: [0, 1, 2, 0], strides: [1, 2] } }),
    sample('dilation', [1, 2, 3, 3], [2, 2, 2, 3], { attributes: { dilations: [2, 2], strides: [2, 1] } }),
    sample('groups', [2, 4, 3, 3], [4, 3, 3, 3], {
      attributes: { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] },
      bias: 6,
    }),
    sample('depthwise', [1, 3, 3, 3], [3, 1, 3, 3], { attributes: { group: 3, strides: [2, 2] } }),
    sample('output-shape', [1, 2, 3, 3], [2, 2, 3, 3], { attributes: { strides: [3, 2], output_shape: [10, 6] } }),
    sample('output-shape-cropped', [1, 2, 3, 3], [2, 2, 4, 3], {
      attributes: { strides: [2, 2], output_shape: [5, 6] },
    }),
    sample('same-upper', [1, 2, 3, 3], [2, 2, 4, 3], { attributes: { strides: [2, 2], auto_pad: 'SAME_UPPER' } }),
    sample('same-lower', [1, 2, 3, 3], [2, 2, 3, 4], { attributes: { strides: [2, 2], auto_pad: 'SAME_LOWER' } }),
    sample('1-d', [2, 2, 4], [2, 3, 3], { attributes: { strides: [2], pads: [1, 0], output_padding: [1] }, bias: 3 }),
    sample('3-d', [1, 2, 2, 2, 2], [2, 2, 2, 3, 2], { attributes: { strides: [2, 1, 2], pads: [0, 1, 0, 0, 1, 1] } }),
    sample('computed-weight', [1, 2, 3, 3], [2, 2, 3, 3], { attributes: { strides: [2, 2] }, fedWeight: true }),
    sample('valid', [1, 2, 3, 2], [2, 2, 2, 3], { attributes: { strides: [2, 1], auto_pad: 'VALID' } }),
    sample('same-lower-dilated', [1, 2, 3, 3], [2, 1, 3, 4], {
      attributes: { strides: [2, 3], dilations: [2, 1], auto_pad: 'SAME_LOWER', group: 2 },
    }),
    sample('output-shape-upper', [1, 2, 3, 3], [2, 2, 4, 4], {
      attributes: { strides: [2, 2], auto_pad: 'SAME_UPPER', output_shape: [5, 7] },
    }),
    sample('output-shape-lower-padded', [1, 2, 3, 3], [2, 2, 4, 4], {
      attributes: { strides: [3, 2], auto_pad: 'SAME_LOWER', output_shape: [9, 7], output_padding: [2, 1] },
    }),
    sample('1-d-groups-dilation', [2, 4, 4], [4, 2, 3], {
      attributes: { strides: [2], dilations: [2], group: 2, pads: [1, 2] },
    }),
    sample('1-d-output-shape', [1, 2, 3], [2, 2, 3], { attributes: { strides: [3], output_shape: [8] } }),
    sample('3-d-groups-dilation', [1, 2, 2, 2, 2], [2, 1, 2, 2, 2], {
      attributes: { strides: [1, 2, 1], dilations: [1, 1, 2], group: 2, output_padding: [0, 1, 0] },
      bias: 2,
    }),
    sample('pads-beyond-kernel', [1, 1, 4, 4], [1, 1, 2, 2], { attributes: { strides: [2, 2], pads: [2, 1, 0, 3] } }),
  ],
})
