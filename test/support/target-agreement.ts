/** Gradients of targets, as a user asks for them, held to PyTorch's: networks that scripts/vision_language_networks.py writes. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TargetAgreement } from '../../scripts/docs/targets.js'
import { correlation } from '../../src/core/correlation.js'
import { ExplainError } from '../../src/core/errors.js'
import { gridOf } from '../../src/core/layout.js'
import { float32, isFloat32, sizeOf, type Tensor } from '../../src/core/tensor.js'
import { targetFeeds } from '../../src/explain/asked.js'
import { compileLayerGradient } from '../../src/explain/compile-layer.js'
import type { Explanation, Model, Prepared } from '../../src/explain/index.js'
import { open } from '../../src/node/open.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import { prune } from '../../src/passes/prune.js'
import { type Target, targetKind } from '../../src/targets/index.js'
import { SCORES, type Score } from '../../src/targets/target.js'
import { readNpy, readNpyFloat32 } from './npy.js'
import { runtime } from './ort.js'

type Json = Readonly<Record<string, unknown>>

type Stored = Json & { readonly kind: string }

interface Meta {
  readonly picture: string
  readonly inputs: readonly string[]
  readonly layer: { readonly file: string; readonly name: string } | null
  readonly targets: readonly {
    readonly target: Json & { readonly kind: string }
    readonly score: number
    readonly scale: { readonly input: number; readonly layer: number }
  }[]
  readonly note: string
}

/** A stored target as this library writes it. */
function ours(given: Stored, score: Score, folder: string): Target {
  const number = (name: string): number => Number(given[name])
  const list = (name: string): readonly number[] => given[name] as readonly number[]
  switch (given.kind) {
    case 'word':
      return { kind: 'word', positions: [number('position')], ids: [number('id')], score }
    case 'text': {
      const ids = list('ids')
      return { kind: 'word', positions: ids.map((_, i) => i), ids, score: 'log-probability' }
    }
    case 'answer':
      return { kind: 'answer', index: number('index'), score }
    case 'similarity': {
      const texts = readNpyFloat32(join(folder, 'output-text_embeds.npy'))
      const size = texts.dims.at(-1) ?? 0
      return {
        kind: 'similarity',
        to: `text ${given.row}`,
        embedding: [...texts.data.slice(number('row') * size, (number('row') + 1) * size)],
      }
    }
    case 'box':
      return { kind: 'box', box: number('box'), index: number('class'), score }
    case 'region':
      return { kind: 'region', index: number('class'), score, at: 'predicted' }
    default:
      throw new Error(`no target is known for ${given.kind}`)
  }
}

/** Of a token sequence the places alone, channels first, as layers are seen. */
function places(t: Tensor<'float32'>, like: readonly number[], before: number): Float32Array {
  const [, channels = 1, ...grid] = like
  if (t.data.length === sizeOf(like) && t.dims[1] === channels && t.dims.length > 3) return t.data
  const count = sizeOf(grid)
  const at = t.dims.length === 4 ? gridOf('NHWC', t.dims) : undefined
  const tokens = at ? 0 : before
  return Float32Array.from(
    { length: channels * count },
    (_, i) => t.data[(tokens + (i % count)) * channels + Math.floor(i / count)] ?? 0,
  )
}

/** Boxes are not left out for their scores: random weights find many. */
const ALL = { threshold: 0, top: 200 }

/** The agreement of the targets that are stored with a network, or of the first of them. */
export async function targetAgreements(
  at: string,
  network: string,
  most = Number.POSITIVE_INFINITY,
): Promise<readonly TargetAgreement[]> {
  const meta: Meta = JSON.parse(readFileSync(join(at, 'meta.json'), 'utf8'))
  const single = join(at, 'model.onnx')
  const { model } = await open(existsSync(single) ? single : at, { runtime })
  const inputs = Object.fromEntries(model.others.map((o) => [o.name, readNpy(join(at, `${o.name}.npy`))]))
  const prepared = model.prepare(readNpyFloat32(join(at, `${meta.picture}.npy`)), { inputs })
  const gradients = readNpyFloat32(join(at, 'grad_input.npy'))
  const layers = existsSync(join(at, 'grad_layer.npy')) ? readNpyFloat32(join(at, 'grad_layer.npy')) : undefined
  const found: TargetAgreement[] = []
  for (const [t, { target, score }] of meta.targets.slice(0, most).entries()) {
    const made = await nearest(model, prepared, target, score, at)
    const row = (all: Tensor<'float32'>): Tensor<'float32'> => {
      const [, ...dims] = all.dims
      return float32(dims, all.data.subarray(t * sizeOf(dims), (t + 1) * sizeOf(dims)))
    }
    const layer = meta.layer && layers ? await layerGradient(model, prepared, made.target, meta.layer.name) : undefined
    const known = layer && layers && places(row(layers), layer.gradient.dims, layer.before)
    found.push({
      network,
      target: target.kind,
      score: made.answer.logit,
      theirs: score,
      input: correlation(made.raw.data, row(gradients).data) ?? 0,
      ...(layer && known ? { layer: correlation(layer.gradient.data, known) ?? 0 } : {}),
      note: meta.note,
    })
  }
  await model.release()
  return found
}

/** The explanation whose score is the stored one: of a logit, a probability or its logarithm, and of boxes of nearly equal scores the one that is meant. */
async function nearest(
  model: Model,
  prepared: Prepared,
  target: Stored,
  score: number,
  at: string,
): Promise<Explanation> {
  const boxes = target.kind === 'box' ? [Number(target.box), 0, 1, 2, 3] : [undefined]
  let best: Explanation | undefined
  const apart = (e: Explanation | undefined): number => Math.abs((e?.answer.logit ?? Number.POSITIVE_INFINITY) - score)
  for (const box of boxes)
    for (const kind of SCORES) {
      const given = ours(box === undefined ? target : { ...target, box }, kind, at)
      const made = await model
        .explain(prepared, { method: 'gradient', target: given, detection: ALL })
        .catch((error: unknown) => error)
      if (made instanceof ExplainError || made instanceof Error) {
        if (!best) throw made
        continue
      }
      const explained = made as Explanation
      if (apart(explained) < apart(best)) best = explained
      if (apart(best) < 1e-3 * Math.max(1, Math.abs(score))) return explained
    }
  if (!best) throw new Error('nothing was explained')
  return best
}

/** The gradient by a layer, channels first; undefined where the layer is no map. */
async function layerGradient(model: Model, prepared: Prepared, target: Target, layer: string) {
  const kind = targetKind(target.kind)
  const labels = model.labels.length || undefined
  const options = { shapes: model.shapes, layer, form: kind.form(target), answer: model.answer.output, labels }
  try {
    const plan = compileLayerGradient(model.graph, options, 'gradient')
    const [, made] = plan.maps
    const outputs = plan.graph.outputs.filter((o) => o.name === made?.output)
    const graph = prune(plan.graph.with({ outputs }), { dropInputs: true })
    const session = await runtime.createSession(encodeSkeleton(graph), { optimization: 'all' })
    const feeds = {
      [model.input.name]: prepared.feed.pictures,
      ...prepared.feed.others,
      ...targetFeeds(plan.targetInputs, [kind.rows(target)]),
    }
    const wanted = new Set(session.inputs.map((i) => i.name))
    const out = await session.run(Object.fromEntries(Object.entries(feeds).filter(([n]) => wanted.has(n))))
    await session.release()
    const gradient = out[made?.output ?? '']
    return gradient && isFloat32(gradient) ? { gradient, before: plan.tokens?.before ?? 0 } : undefined
  } catch (error) {
    if (error instanceof ExplainError && (error.code === 'unknown-layer' || error.code === 'ambiguous-grid'))
      return undefined
    throw error
  }
}
