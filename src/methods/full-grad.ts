import { axisOf, type InputLayout } from '../core/layout.js'
import type { Builder } from '../onnx/builder.js'
import { biasesOf, incomplete } from './biases.js'
import { mapAt } from './layers.js'
import { channelsFirstView } from './layout/view.js'
import { times, upsample } from './maps.js'
import { defineMethod } from './method.js'

/** Keeps the divisor from 0, as in pytorch-grad-cam. */
const EPSILON = 1e-7

/**
 * FullGrad: `psi(g x) + sum over layers and channels of psi(g_l b_l)`, where `psi` takes magnitudes, scales each channel to 0..1 and resizes it bilinearly
 * (half-pixel centres) to the picture. The parts are complete: `f(x) = sum g x + sum g_l b_l` on networks of Relu. What is added behind the pooling
 * has no place and is left out.
 */
export const fullGrad = defineMethod({
  id: 'full-grad',
  kind: 'compiled',
  title: 'FullGrad',
  family: 'gradient',
  space: 'input',
  atLayer: false,
  display: 'positive',
  summary: 'Every part of the score that has a place: those of the pixels, and those of the biases of all layers.',
  source:
    'Srinivas and Fleuret, NeurIPS 2019 (arXiv 1905.00780), section 4, equation 5; each channel scaled as in pytorch-grad-cam',
  cost: '1 forward + 1 backward',
  options: {},
  build: (context) => {
    const { b, input, layout, network } = context
    const path = context.path()
    const note = incomplete(path, input, 'full-grad')
    if (note !== undefined) context.note(note)
    const biases = biasesOf(b, path, input).flatMap(({ value, bias }) => {
      const layer = mapAt(network, value)
      return layer ? [{ value, bias, layer }] : []
    })
    const [own = '', ...gradients] = context.gradients([input, ...biases.map((p) => p.value)])
    const extents = placeAxes(layout).map((axis) => b.extent(input, axis))
    // equal sizes are summed before they are resized
    const bySize = new Map<string, string[]>()
    for (const [i, { value, bias, layer }] of biases.entries()) {
      const part = b.op('Mul', [gradients[i] ?? '', bias])
      b.know(part, b.type(value), b.dims(value))
      const size = JSON.stringify(layer.form.sizes)
      bySize.set(size, [...(bySize.get(size) ?? []), scaled(b, channelsFirstView(b, part, layer))])
    }
    const coarse = [...bySize.values()].map((maps) => upsample(b, sum(b, maps), extents))
    const pixels = times(b, input, own)
    return sum(b, [scaled(b, channelsFirst(b, pixels, layout)), ...coarse])
  },
})

/** `[N,K,...places]`: magnitudes, each channel from 0 to 1, summed over channels: `[N,...places]`. */
function scaled(b: Builder, value: string): string {
  const rank = b.requireRank(value, 'full-grad')
  const places = b.int64s(Array.from({ length: rank - 2 }, (_, i) => i + 2))
  const size = b.op('Abs', [value])
  const above = b.op('Sub', [size, b.op('ReduceMin', [size, places], { keepdims: 1 })])
  const most = b.op('ReduceMax', [above, places], { keepdims: 1 })
  const share = b.op('Div', [above, b.op('Add', [most, b.scalar(EPSILON, value)])])
  const map = b.reduceSum(share, [1], false)
  b.know(
    map,
    b.type(value),
    b.dims(value)?.filter((_, i) => i !== 1),
  )
  return map
}

function sum(b: Builder, maps: readonly string[]): string {
  const [first = ''] = maps
  const total = maps.length === 1 ? first : b.op('Sum', maps)
  b.know(total, b.type(first), b.dims(first))
  return total
}

function placeAxes(layout: InputLayout): readonly number[] {
  return (['D', 'H', 'W'] as const).flatMap((letter) => axisOf(layout, letter) ?? [])
}

function channelsFirst(b: Builder, value: string, layout: InputLayout): string {
  const perm = [0, axisOf(layout, 'C') ?? 1, ...placeAxes(layout)]
  const turned = b.transpose(value, perm)
  b.know(turned, b.type(value), b.dims(value) && perm.map((axis) => b.dims(value)?.[axis] ?? null))
  return turned
}
