/** Where a raw map lies: on the picture, or on another input by itself. */
import { gridOf } from '../core/layout.js'
import { float32, sliceFirst, type Tensor } from '../core/tensor.js'
import type { PreprocessSpec } from '../image/index.js'
import type { MethodInfo } from '../methods/method.js'
import type { Graph } from '../onnx/ir.js'
import type { Shapes } from '../onnx/shapes.js'
import type { FedInput, Lifting } from './explanation.js'
import { type PictureInput, pictureInput } from './input.js'
import { itself, type Prepared } from './prepare.js'

export interface Place {
  /** The map, in two axes where its input is no picture. */
  readonly map: Tensor<'float32'>
  readonly lifting: Lifting
  readonly fed: FedInput
  /** True on a picture, a volume or a clip. */
  readonly drawable: boolean
}

/** What is read of a model to lay its maps on pictures. */
export interface PlacedModel {
  readonly graph: Graph
  readonly shapes: Shapes
  readonly input: PictureInput
  readonly preprocessing: PreprocessSpec | undefined
}

export function placeMap(
  model: PlacedModel,
  raw: Tensor<'float32'>,
  { method, input, prepared }: { readonly method: MethodInfo; readonly input: string; readonly prepared: Prepared },
): Place {
  const reduction = method.channels
  const order = model.preprocessing?.channels ?? 'RGB'
  const { geometry, depth, feed } = prepared
  if (input === model.input.name) {
    const axes = model.input.layout.slice(1)
    const layout = reduction ? axes : 'DHW'.slice(-raw.dims.length)
    const fed = { ...sliceFirst(feed.pictures, 0), layout: axes }
    return { map: raw, fed, drawable: axes.includes('H'), lifting: { geometry, depth, layout, order, reduction } }
  }
  const values = Float32Array.from(feed.others[input]?.data as ArrayLike<number>, Number)
  const info = model.shapes.get(input)
  const found = info && pictureInput(model.graph, model.shapes, info)
  if (found?.layout.includes('H')) {
    const layout = found.layout.slice(-raw.dims.length)
    const { D, H, W } = gridOf(layout, raw.dims)
    const lifting = { geometry: itself(W.extent, H.extent), depth: D.extent, layout, order, reduction }
    return { map: raw, fed: { ...float32(raw.dims, values), layout }, drawable: true, lifting }
  }
  const width = raw.dims.at(-1) ?? 1
  const height = raw.data.length / width
  const lifting = { geometry: itself(width, height), depth: 1, layout: 'HW', order, reduction: undefined }
  const dims = [height, width]
  return { map: float32(dims, raw.data), fed: { ...float32(dims, values), layout: 'HW' }, drawable: false, lifting }
}
