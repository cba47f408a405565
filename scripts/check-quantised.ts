/**
 * Holds networks in other numbers to the same networks in float32:
 *
 *     npx tsx scripts/check-quantised.ts FOLDER [NAME...] [--form FORM...]
 *
 * FOLDER/NAME/ holds model.onnx, input.npy, meta.json and the other forms (scripts/quantised_networks.py). Prints, for each form and
 * over the ten best classes of the float network, the lowest and the median correlation of Grad-CAM at the default layer and of the input
 * gradient with the float network's, and that of the logits. `features` is the correlation of the layer's own values, as ONNX Runtime
 * computes them from the file: Grad-CAM is made of these, and cannot be nearer. Exits with 1 where the median of Grad-CAM is below 0.95,
 * unless the features themselves are.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tensor } from '../src/core/tensor.js'
import { Model } from '../src/explain/model.js'
import { ortRuntime } from '../src/node/ort.js'
import { declare } from '../src/onnx/builder.js'
import { decode } from '../src/onnx/decode.js'
import { encodeSkeleton } from '../src/onnx/encode.js'
import { toFloat32 } from '../src/onnx/float16.js'
import { declaredShapes } from '../src/onnx/shapes.js'
import { lower } from '../src/passes/lower.js'
import { correlation } from '../test/support/measures.js'
import { readNpyFloat32 } from '../test/support/npy.js'

const LIMIT = 0.95
const CLASSES = 10

interface Answers {
  readonly logits: readonly number[]
  readonly layer: string
  /** The values of the layer. */
  readonly features: readonly number[]
  readonly cams: readonly Float32Array[]
  readonly gradients: readonly Float32Array[]
  readonly ms: number
}

async function explain(folder: string, file: string, classes?: readonly number[]): Promise<Answers> {
  const runtime = await ortRuntime()
  const model = await Model.load(decode(Uint8Array.from(readFileSync(join(folder, file)))), runtime, { name: file })
  const input = readNpyFloat32(join(folder, 'input.npy'))
  const answers = await model.classify(input, { top: Number.POSITIVE_INFINITY })
  const logits = [...answers].sort((a, b) => a.index - b.index).map((a) => a.logit)
  const target = classes ?? answers.slice(0, CLASSES).map((a) => a.index)
  const cam = await model.explainAll(input, { method: 'grad-cam', target })
  const start = performance.now()
  const gradient = await model.explainAll(input, { method: 'gradient', target })
  const ms = (performance.now() - start) / target.length
  await model.release()
  const maps = (set: typeof cam): Float32Array[] => set.explanations.map((e) => e.raw.data)
  const layer = cam.explanations[0]?.raw.layer ?? ''
  const features = await valuesOf(folder, file, layer, input)
  return { logits, layer, features, cams: maps(cam), gradients: maps(gradient), ms }
}

/** A value of the file as it is, or, where ONNX Runtime cannot run that on float32 pictures, of its form in float32. */
async function valuesOf(
  folder: string,
  file: string,
  value: string,
  input: Tensor<'float32'>,
): Promise<readonly number[]> {
  const runtime = await ortRuntime()
  const graph = decode(Uint8Array.from(readFileSync(join(folder, file))))
  const isPlain = declaredShapes(graph).get('input')?.type === 'float32'
  const wanted = (isPlain ? graph : lower(graph)).with({ outputs: [declare(value)] })
  const session = await runtime.createSession(encodeSkeleton(wanted))
  const found = await session.run({ input })
  await session.release()
  const values = found[value]
  return Array.from(values ? toFloat32(values).data : [], Number)
}

function best(logits: readonly number[]): number[] {
  return [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0)).slice(0, CLASSES)
}

function spread(a: readonly Float32Array[], b: readonly Float32Array[]): { lowest: number; median: number } {
  const all = a.map((map, i) => correlation(map, b[i] ?? new Float32Array())).sort((p, q) => p - q)
  return { lowest: all[0] ?? 0, median: all[Math.floor(all.length / 2)] ?? 0 }
}

async function check(folder: string, wanted: readonly string[]): Promise<boolean> {
  const forms =
    wanted.length > 0 ? wanted.map((f) => `${f}.onnx`) : readdirSync(folder).filter((f) => f.endsWith('.onnx'))
  const exact = await explain(folder, 'model.onnx')
  const classes = best(exact.logits)
  const name = folder.split('/').at(-1)
  let good = true
  for (const form of forms.filter((f) => f !== 'model.onnx').sort())
    try {
      const found = await explain(folder, form, classes)
      const [cam, gradient] = [spread(found.cams, exact.cams), spread(found.gradients, exact.gradients)]
      const cells = [cam.median, cam.lowest, gradient.median, gradient.lowest, correlation(found.logits, exact.logits)]
      const features = correlation(found.features, exact.features)
      const fine = cam.median >= LIMIT || features < LIMIT
      good &&= fine
      const title = `${name} ${form.replace('.onnx', '')}`
      console.log(
        `| ${fine ? title : `**${title}**`} | ${[...cells, features].map((c) => c.toFixed(4)).join(' | ')} | ${found.layer} | ${found.ms.toFixed(0)} |`,
      )
    } catch (error) {
      good = false
      console.log(`| **${name} ${form}** | ${error instanceof Error ? error.message.slice(0, 400) : error} |`)
    }
  return good
}

const args = process.argv.slice(2)
const split = args.indexOf('--form')
const [folder, ...names] = split < 0 ? args : args.slice(0, split)
const forms = split < 0 ? [] : args.slice(split + 1)
if (folder === undefined) {
  console.error('usage: npx tsx scripts/check-quantised.ts FOLDER [NAME...] [--form FORM...]')
  process.exitCode = 2
} else {
  console.log(
    '| network | Grad-CAM: median | lowest | gradient: median | lowest | logits | features | layer | ms a gradient |\n|---|---|---|---|---|---|---|---|---|',
  )
  for (const name of names.length > 0 ? names : readdirSync(folder).sort())
    if (existsSync(join(folder, name, 'meta.json')) && !(await check(join(folder, name), forms))) process.exitCode = 1
}
