/** Maps on the model's input: the plane on which maps of layers of different sizes meet. */
import { extremes } from '../core/extremes.js'
import { gridOf } from '../core/layout.js'
import { float32, type Tensor } from '../core/tensor.js'
import { diagnose } from './diagnose.js'
import { type Explanation, explanationOf, onPicture, type Provenance } from './explanation.js'
import { itself } from './prepare.js'

/** Extents of the explained input's places: `[H,W]`, `[D,H,W]`, or `[W]` for signals. */
export function inputPlaces({ fed }: Pick<Explanation, 'fed'>): readonly number[] {
  const grid = gridOf(fed.layout, fed.dims)
  return (['D', 'H', 'W'] as const).filter((l) => fed.layout.includes(l)).map((l) => grid[l].extent)
}

/** A map of a layer on the pixels of the model's input, resized linearly. */
export function onInput(explanation: Explanation, map: Tensor<'float32'>): Tensor<'float32'> {
  const dims = inputPlaces(explanation)
  const [height = 1, width = 1] = [dims.at(-2), dims.at(-1)]
  const { lifting } = explanation.data
  const layout = 'DHW'.slice(-map.dims.length)
  const { heatmap } = onPicture(map, { ...lifting, layout, reduction: undefined, geometry: itself(width, height) })
  return float32(dims, heatmap.data)
}

/** The same explanation with another map: of `[...places]`, or in the shape that it had. */
export function withMap(
  explanation: Explanation,
  map: Tensor<'float32'>,
  change: { readonly layer?: string | undefined; readonly provenance: Partial<Provenance> },
): Explanation {
  const { data } = explanation
  const { lifting, method } = data
  const isChanged = map.dims.length !== data.map.dims.length
  return explanationOf({
    ...data,
    raw: { ...map, layer: 'layer' in change ? change.layer : data.raw.layer },
    map,
    lifting: isChanged ? { ...lifting, layout: 'DHW'.slice(-map.dims.length), reduction: undefined } : lifting,
    diagnosis: diagnose(map.data, method.display),
    provenance: { ...data.provenance, ...change.provenance },
  })
}

/** A map from 0 at its smallest to 1 at its largest value; `epsilon` keeps the division from 0. */
export function scaledTo1(map: Float32Array, epsilon = 1e-7): Float32Array {
  const [low, high] = extremes(map)
  return map.map((v) => (v - low) / (high - low + epsilon))
}
