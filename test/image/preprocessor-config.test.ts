import { describe, expect, it } from 'vitest'
import { parsePreprocessorConfig } from '../../src/image/index.js'
import { thrownBy } from './support.js'

const MEAN = [0.5, 0.4, 0.3]
const STD = [0.25, 0.5, 1]
const NORM = { image_mean: MEAN, image_std: STD }

describe('parsePreprocessorConfig', () => {
  it('reads a configuration that says everything', () => {
    expect(
      parsePreprocessorConfig({
        do_resize: true,
        size: { shortest_edge: 256 },
        resample: 3,
        do_center_crop: true,
        crop_size: { height: 224, width: 200 },
        do_rescale: true,
        rescale_factor: 0.5,
        do_normalize: true,
        ...NORM,
      }),
    ).toEqual({
      resize: { kind: 'shortest-edge', size: 256 },
      filter: 'bicubic',
      crop: { height: 224, width: 200 },
      rescale: 0.5,
      mean: MEAN,
      std: STD,
      channels: 'RGB',
      layout: 'NCHW',
      source: 'preprocessor_config.json',
    })
  })

  it.each([
    [{ size: { height: 96, width: 80 } }, { kind: 'exact', height: 96, width: 80 }],
    [{ size: [96, 80] }, { kind: 'exact', height: 96, width: 80 }],
    [{ size: { longest_edge: 1024 } }, { kind: 'longest-edge', size: 1024 }],
    [{ size: { shortest_edge: 800, longest_edge: 1333 } }, { kind: 'shortest-edge', size: 800, limit: 1333 }],
    [{ size: 224 }, { kind: 'exact', height: 224, width: 224 }],
    [
      { size: 256, crop_size: 224 },
      { kind: 'shortest-edge', size: 256 },
    ],
    [
      { size: 224, feature_extractor_type: 'CLIPFeatureExtractor' },
      { kind: 'shortest-edge', size: 224 },
    ],
    [
      { size: 256, crop_size: 224, image_processor_type: 'DeiTImageProcessorFast' },
      { kind: 'exact', height: 256, width: 256 },
    ],
    [{ size: 224, do_resize: false }, { kind: 'none' }],
    [{}, { kind: 'none' }],
  ])('reads the size in %j', (part, resize) => {
    expect(parsePreprocessorConfig(part).resize).toEqual(resize)
  })

  it.each([
    [0, 'nearest'],
    [1, 'lanczos'],
    [2, 'bilinear'],
    [3, 'bicubic'],
    [4, 'box'],
    [5, 'hamming'],
  ])('reads the filter %d as %s', (resample, filter) => {
    expect(parsePreprocessorConfig({ size: 8, resample }).filter).toBe(filter)
  })

  it('scales by crop_pct below 384 pixels and stretches from there on', () => {
    const convnext = { feature_extractor_type: 'ConvNextFeatureExtractor', resample: 3, ...NORM }
    expect(parsePreprocessorConfig({ ...convnext, size: 224, crop_pct: 0.875 })).toMatchObject({
      resize: { kind: 'shortest-edge', size: 256 },
      crop: { height: 224, width: 224 },
    })
    expect(parsePreprocessorConfig({ ...convnext, size: { shortest_edge: 288 }, crop_pct: 0.95 })).toMatchObject({
      resize: { kind: 'shortest-edge', size: 303 },
      crop: { height: 288, width: 288 },
    })
    expect(parsePreprocessorConfig({ ...convnext, size: { shortest_edge: 224 } }).resize).toEqual({
      kind: 'shortest-edge',
      size: 256,
    })
    const large = parsePreprocessorConfig({ ...convnext, size: { shortest_edge: 384 }, crop_pct: 1 })
    expect(large).toMatchObject({ resize: { kind: 'exact', height: 384, width: 384 } })
    expect(large.crop).toBeUndefined()
  })

  it('says what it assumed', () => {
    const spec = parsePreprocessorConfig({ size: 224 })
    expect(spec.source).toBe(
      'preprocessor_config.json (size taken as both edges; resample not given: bilinear assumed)',
    )
    expect(parsePreprocessorConfig({ size: 224, image_processor_type: 'BitImageProcessor' })).toMatchObject({
      filter: 'bicubic',
      source: 'preprocessor_config.json (resample not given: bicubic assumed)',
    })
  })

  it('switches rescaling and normalising off', () => {
    expect(parsePreprocessorConfig({ do_rescale: false, do_normalize: false, ...NORM })).toMatchObject({
      rescale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    })
    expect(parsePreprocessorConfig({})).toMatchObject({ rescale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] })
  })

  it('takes one number for all channels, one channel, and BGR', () => {
    expect(parsePreprocessorConfig({ image_mean: 0.5, image_std: 0.25 })).toMatchObject({
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
      channels: 'RGB',
    })
    expect(parsePreprocessorConfig({ image_mean: [0.1], image_std: [0.3] }).channels).toBe('L')
    expect(parsePreprocessorConfig({ do_flip_channel_order: true }).channels).toBe('BGR')
  })

  it("follows EfficientNet's second normalisation and offset", () => {
    const spec = parsePreprocessorConfig({
      ...NORM,
      rescale_factor: 1 / 127.5,
      rescale_offset: true,
      include_top: true,
    })
    expect(spec.mean).toEqual([1.5, 1.4, 1.3])
    expect(spec.std).toEqual([0.0625, 0.25, 1])
  })

  it('pads to a fixed size', () => {
    const sam = { size: { longest_edge: 64 }, do_pad: true, pad_size: { height: 64, width: 64 } }
    expect(parsePreprocessorConfig(sam).pad).toEqual({ height: 64, width: 64, at: 'top-left', fill: 'mean' })
    expect(parsePreprocessorConfig({ do_pad: true }).pad).toBeUndefined()
  })

  it.each([
    ['size', { size: '224' }],
    ['size', { size: 0 }],
    ['size', { size: { shortest: 3 } }],
    ['size', { do_resize: true }],
    ['size.shortest_edge', { size: { shortest_edge: 2.5 } }],
    ['size.longest_edge', { size: { shortest_edge: 20, longest_edge: 10 } }],
    ['resample', { size: 8, resample: 6 }],
    ['resample', { size: 8, resample: 'bicubic' }],
    ['do_resize', { do_resize: 'yes' }],
    ['crop_size', { do_center_crop: true }],
    ['crop_size', { crop_size: { height: 224 } }],
    ['crop_pct', { size: 224, crop_pct: 1.5 }],
    ['rescale_factor', { rescale_factor: 0 }],
    ['rescale_factor', { rescale_factor: '1/255' }],
    ['image_mean', { do_normalize: true }],
    ['image_mean', { image_mean: [0.5, 0.5], image_std: [1, 1] }],
    ['image_std', { image_mean: [0, 0, 0], image_std: [1, 0, 1] }],
    ['image_std', { image_mean: [0, 0, 0] }],
    ['do_thumbnail', { do_thumbnail: true }],
    ['size_divisor', { size_divisor: 32 }],
    ['pad_size', { do_pad: true, pad_size: 8, size: 9, crop_size: 8 }],
  ])('refuses a bad %s: %j', (field, config) => {
    const error = thrownBy(() => parsePreprocessorConfig(config))
    expect(error.code).toBe('bad-option')
    expect(error.message).toContain(field)
    expect(error.details).toHaveProperty('received')
    expect(error.details).toMatchObject({ field })
  })

  it.each([null, 'text', 3, [], undefined])('refuses %j for a configuration', (json) => {
    expect(thrownBy(() => parsePreprocessorConfig(json)).code).toBe('bad-option')
  })
})
