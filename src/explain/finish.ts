/** What comes behind raw maps: the steps that were asked for, their declared shapes, what the file says of them. */
import { axisOf, type InputLayout } from '../core/layout.js'
import type { Dim } from '../core/runtime.js'
import type { Layer } from '../methods/layout/view.js'
import { upsample } from '../methods/maps.js'
import type { CompiledMethod } from '../methods/method.js'
import type { TargetInput } from '../targets/append.js'
import type { TargetForm } from '../targets/target.js'
import { TARGETS_AXIS } from './batch.js'
import type { CompileOptions, PlannedMap } from './plan.js'
import type { Stage } from './stage.js'
import { VERSION } from './version.js'

/** The optional steps behind the raw map. */
export function finish(
  { b, input, others }: Stage,
  raw: string,
  method: CompiledMethod,
  at: string,
  options: CompileOptions,
): string {
  let map = options.relu ? b.op('Relu', [raw]) : raw
  const atLayer = method.space === 'layer'
  const axes = spatialAxes(input.layout)
  if (options.upsample && atLayer)
    map = upsample(
      b,
      map,
      axes.map((axis) => b.extent(input.name, axis)),
    )
  if (!options.normalize) return map
  // without a row for each picture, the whole map is one
  const rank = hasChannels(method) ? (b.rank(at) ?? 4) : axes.length + 1
  const first = others.some((o) => o.name === at && o.batch !== 'row') ? 0 : 1
  const reduced = b.int64s(Array.from({ length: rank - first }, (_, i) => i + first))
  const largest = b.op('ReduceMax', [b.op('Abs', [map]), reduced], { keepdims: 1 })
  return b.op('Div', [map, b.op('Max', [largest, b.scalar(1e-30, map)])])
}

/** True for maps in the shape of the input; others have places alone. */
function hasChannels(method: CompiledMethod): boolean {
  return method.channels !== undefined
}

/** The axes of slices, rows and columns. */
function spatialAxes(layout: InputLayout): readonly number[] {
  return (['D', 'H', 'W'] as const).flatMap((letter) => axisOf(layout, letter) ?? [])
}

/** The declared shape of a map: what is known of it, `N` first. */
export function mapDims(
  { shapes, input, others }: Stage,
  map: PlannedMap,
  layer: Layer | undefined,
  options: CompileOptions,
): readonly Dim[] {
  const batch = input.batch ?? TARGETS_AXIS
  const own = shapes.get(map.input)?.dims ?? []
  const places = spatialAxes(input.layout).map((axis) => own[axis] ?? null)
  if (hasChannels(map.method))
    return others.some((o) => o.name === map.input && o.batch !== 'row') ? own : [batch, ...own.slice(1)]
  if (options.upsample || map.method.space === 'input') return [batch, ...places]
  return [batch, ...(layer?.form.sizes ?? places.map(() => null))]
}

/** `14x14+1`: rows, columns, tokens before them; for each layer in turn, nothing for those that are maps as they stand. */
function gridMetadata(layers: readonly PlannedMap[]): readonly [string, string][] {
  const grids = layers.map(({ tokens }) =>
    tokens ? `${tokens.grid.map((size) => size ?? '?').join('x')}+${tokens.before}` : '',
  )
  return grids.some((grid) => grid !== '') ? [['onnxplain.grid', grids.join(',')]] : []
}

export function metadata(
  maps: readonly PlannedMap[],
  form: TargetForm,
  inputs: readonly TargetInput[],
  options: CompileOptions,
): ReadonlyMap<string, string> {
  const names = [...new Set(maps.flatMap((m) => m.layer ?? []))]
  const layers = names.flatMap((name) => maps.find((m) => m.layer === name) ?? [])
  const given = options.options ?? {}
  const steps = (['relu', 'upsample', 'normalize'] as const).filter((s) => options[s])
  return new Map([
    ['onnxplain.version', VERSION],
    ['onnxplain.method', [...new Set(maps.map((m) => m.method.id))].join(',')],
    ['onnxplain.layer', names.join(',')],
    ...gridMetadata(layers),
    ['onnxplain.input', [...new Set(maps.map((m) => m.input))].join(',')],
    ['onnxplain.target', targetText(form, inputs)],
    ...(Object.keys(given).length > 0 ? ([['onnxplain.options', JSON.stringify(given)]] as const) : []),
    ['onnxplain.steps', steps.join(',') || 'raw'],
  ])
}

/** What a file says of its target: `logit; input "target": class index, -1 for the best answer`. */
function targetText({ kind, ...parameters }: TargetForm, inputs: readonly TargetInput[]): string {
  const said =
    kind === 'class'
      ? String(parameters.score)
      : [kind, ...Object.values(parameters).filter((v) => v !== undefined)].join(' ')
  return [said, ...inputs.map(({ name, meaning }) => `input "${name}": ${meaning}`)].join('; ')
}
