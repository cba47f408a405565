/**
 * Measures how alike gradients of targets are to PyTorch's, on real architectures with random weights, for docs/targets.md:
 *
 *     npx tsx scripts/target-agreement.ts FOLDER [--write]
 *
 * FOLDER/NAME/ is what scripts/vision_language_networks.py writes. Each is opened as any model is, its targets are read, settled and explained as any target
 * is; the gradient by the pixels and by the layer is held to PyTorch's. With --write the table of docs/targets.md is made of it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { correlation } from '../src/core/correlation.js'
import { gridOf } from '../src/core/layout.js'
import { float32, sizeOf, type Tensor } from '../src/core/tensor.js'
import { targetFeeds } from '../src/explain/asked.js'
import { compileLayerGradient } from '../src/explain/compile-layer.js'
import type { Explanation } from '../src/explain/index.js'
import { open } from '../src/node/open.js'
import { ortRuntime } from '../src/node/ort.js'
import { encodeSkeleton } from '../src/onnx/encode.js'
import { prune } from '../src/passes/prune.js'
import { type Target, targetKind } from '../src/targets/index.js'
import { SCORES, type Score } from '../src/targets/target.js'
import { relativeL2 } from '../test/support/measures.js'
import { readNpy, readNpyFloat32 } from '../test/support/npy.js'
import type { TargetAgreement } from './docs/targets.js'

type Json = Readonly<Record<string, unknown>>

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
function ours(given: Json & { readonly kind: string }, score: Score, folder: string): Target {
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

const [folder = '', ...rest] = process.argv.slice(2)
const names = rest.filter((r) => !r.startsWith('--'))
const runtime = await ortRuntime()
const rows: TargetAgreement[] = []
for (const name of names.length > 0 ? names : readdirSync(folder).sort()) {
  const at = join(folder, name)
  if (!existsSync(join(at, 'meta.json'))) continue
  const meta: Meta = JSON.parse(readFileSync(join(at, 'meta.json'), 'utf8'))
  try {
    const { model } = await open(existsSync(join(at, 'model.onnx')) ? join(at, 'model.onnx') : at)
    const x = readNpyFloat32(join(at, `${meta.picture}.npy`))
    const inputs = Object.fromEntries(model.others.map((o) => [o.name, readNpy(join(at, `${o.name}.npy`))]))
    const prepared = model.prepare(x, { inputs })
    const gradients = readNpyFloat32(join(at, 'grad_input.npy'))
    const layers = existsSync(join(at, 'grad_layer.npy')) ? readNpyFloat32(join(at, 'grad_layer.npy')) : undefined
    for (const [t, { target, score }] of meta.targets.entries()) {
      // boxes of nearly equal scores may come in another order
      const boxes = target.kind === 'box' ? [...Array(4).keys()] : [undefined]
      const asked = boxes.flatMap((box) =>
        SCORES.map((s) => ours(box === undefined ? target : { ...target, box }, s, at)),
      )
      const tried: Explanation[] = []
      for (const one of asked) {
        const made = await model
          .explain(prepared, { method: 'gradient', target: one })
          .catch((e: unknown) => e as Error)
        if (!(made instanceof Error)) tried.push(made)
        else if (tried.length === 0) throw made
      }
      const nearness = (e: (typeof tried)[number]): number => Math.abs(e.answer.logit - score)
      const best = tried.reduce((a, b) => (nearness(b) < nearness(a) ? b : a))
      const row = (all: Tensor<'float32'>): Tensor<'float32'> => {
        const [, ...dims] = all.dims
        return float32(dims, all.data.subarray(t * sizeOf(dims), (t + 1) * sizeOf(dims)))
      }
      const input = row(gradients)
      const kind = targetKind(best.target.kind)
      const result: { input: number; inputL2: number; layer?: number } = {
        input: correlation(best.raw.data, input.data) ?? 0,
        inputL2: relativeL2(scaledLike(best.raw.data, input.data), input.data),
      }
      if (meta.layer && layers) {
        const plan = compileLayerGradient(
          model.graph,
          {
            shapes: model.shapes,
            layer: meta.layer.name,
            form: kind.form(best.target),
            answer: model.answer.output,
            labels: model.labels.length || undefined,
          },
          'gradient',
        )
        const [, made] = plan.maps
        const outputs = plan.graph.outputs.filter((o) => o.name === made?.output)
        const session = await runtime.createSession(
          encodeSkeleton(prune(plan.graph.with({ outputs }), { dropInputs: true })),
          { optimization: 'all' },
        )
        const wanted = new Set(session.inputs.map((i) => i.name))
        const feeds = {
          [model.input.name]: prepared.feed.pictures,
          ...prepared.feed.others,
          ...targetFeeds(plan.targetInputs, [kind.rows(best.target)]),
        }
        const out = await session.run(Object.fromEntries(Object.entries(feeds).filter(([n]) => wanted.has(n))))
        const g = out[made?.output ?? '']
        await session.release()
        if (g)
          result.layer = correlation(g.data as Float32Array, places(row(layers), g.dims, plan.tokens?.before ?? 0)) ?? 0
      }
      rows.push({
        network: name,
        target: target.kind,
        score: best.answer.logit,
        theirs: score,
        ...result,
        note: meta.note,
      })
      console.log(JSON.stringify(rows.at(-1)))
    }
    await model.release()
  } catch (error) {
    console.log(`${name}: ${error instanceof Error ? error.message.slice(0, 300) : error}`)
  }
}
if (rest.includes('--write'))
  writeFileSync(new URL('docs/target-agreement.json', import.meta.url), `${JSON.stringify(rows, null, 1)}\n`)

/** Gradients are stored divided by their largest magnitude, and similarities without their scale. */
function scaledLike(a: Float32Array, b: Float32Array): Float32Array {
  const [own, wanted] = [Math.hypot(...norms(a)), Math.hypot(...norms(b))]
  return a.map((v) => (v * wanted) / own)
}

function norms(values: Float32Array): number[] {
  const out: number[] = []
  for (let i = 0; i < values.length; i += 1024) out.push(Math.hypot(...values.subarray(i, i + 1024)))
  return out
}
