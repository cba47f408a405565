/** The segments that LIME and KernelSHAP cover. */
import type { Tensor } from '../../core/tensor.js'
import { rasterOf, type Segments } from './raster.js'
import { slic } from './slic.js'

export const SEGMENTS_OPTION = {
  kind: 'integer',
  default: 50,
  minimum: 1,
  unit: 'segments',
  description:
    'superpixels to cut the picture into, roughly (SLIC); supervoxels of volumes and clips, intervals of signals',
} as const

/** About `wanted` superpixels of a preprocessed picture, as `slic(picture)` of scikit-image cuts it. */
export function superpixels(input: Tensor<'float32'>, layout: string, wanted: number): Segments {
  return slic(rasterOf(input, layout, 0, 1), wanted)
}

export function segmentsText(count: number): string {
  return count === 1 ? '1 segment' : `${count} segments`
}
