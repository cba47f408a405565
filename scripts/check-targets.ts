/**
 * Holds gradients of answers that are no class lists (words, boxes, maps, embeddings) to PyTorch's:
 *
 *     npx tsx scripts/check-targets.ts FOLDER [NAME...]
 *
 * FOLDER/NAME/ is what scripts/vision_language_networks.py writes. The file of the answer is differentiated for seed.npy, and where that does not read the picture,
 * the file that it reads instead; all files that give the answer are held. Prints the relative L2 from grad_input.npy and grad_layer.npy for each target, or
 * the error; exits with 1 where one exceeds its limit.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Runtime } from '../src/core/runtime.js'
import { float32, sliceFirst, type Tensor, tensor } from '../src/core/tensor.js'
import { ortRuntime } from '../src/node/ort.js'
import { decode } from '../src/onnx/decode.js'
import { encodeSkeleton } from '../src/onnx/encode.js'
import type { Graph } from '../src/onnx/ir.js'
import { probe } from '../src/passes/probe.js'
import { differentiate, gradientName } from '../src/vjp/differentiate.js'
import { relativeL2 } from '../test/support/measures.js'
import { readNpy, readNpyFloat32 } from '../test/support/npy.js'
import { numbers } from '../test/support/run.js'

/** Relative L2: the precision of stored float16; and that of networks with kinks, where float32 rounding may put values on the other side than PyTorch's did. */
const LIMIT = { smooth: 1e-3, kinked: 4e-2 }

interface Meta {
  readonly files: readonly { readonly file: string; readonly inputs: Readonly<Record<string, string>> }[]
  readonly picture: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly answer: string
  readonly layer: { readonly file: string; readonly name: string } | null
  readonly operators: Readonly<Record<string, readonly string[]>>
  readonly targets: readonly { readonly target: unknown; readonly scale: Readonly<Record<string, number>> }[]
}

type Values = ReadonlyMap<string, Tensor>

/** The feeds of a file: stored values under their names there; an empty cache, and the branch without it. */
async function feedsOf(graph: Graph, runtime: Runtime, renamed: Readonly<Record<string, string>>, values: Values) {
  const feeds: Record<string, Tensor> = {}
  const shapes = await probe(graph, runtime)
  for (const { name } of graph.inputs) {
    const stored = values.get(renamed[name] ?? name)
    const dims = (shapes.get(name)?.dims ?? []).map((d) =>
      typeof d === 'number' ? d : String(d).includes('batch') ? 1 : 0,
    )
    feeds[name] = stored ?? (name === 'use_cache_branch' ? tensor('bool', [1], new Uint8Array(1)) : float32(dims))
  }
  return { feeds, shapes }
}

const scaled = (t: Tensor<'float32'>, by = 1): Tensor<'float32'> =>
  float32(
    t.dims,
    t.data.map((v) => v * by),
  )

/** Gradients of `of` by values of one file, of which those that are not there are left out. */
async function gradients(
  path: string,
  renamed: Readonly<Record<string, string>>,
  values: Values,
  of: string,
  seed: Tensor,
  wrt: readonly string[],
) {
  const runtime = await ortRuntime()
  const graph = decode(Uint8Array.from(readFileSync(path)))
  const { feeds, shapes } = await feedsOf(graph, runtime, renamed, values)
  const both = differentiate(graph, { of, wrt, shapes })
  const session = await runtime.createSession(encodeSkeleton(both))
  const out = await session.run({ ...feeds, [gradientName(of)]: seed })
  await session.release()
  return (name: string): Tensor =>
    float32(feeds[name]?.dims ?? out[gradientName(name)]?.dims ?? [], numbers(out[gradientName(name)]))
}

async function check(folder: string): Promise<string[]> {
  const meta: Meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'))
  const values = new Map<string, Tensor>([
    ...meta.inputs.map((name): [string, Tensor] => [name, readNpy(join(folder, `${name}.npy`))]),
    ...meta.outputs.map((name): [string, Tensor] => [name, readNpy(join(folder, `output-${name}.npy`))]),
  ])
  const read = (kind: string, i: number) =>
    scaled(
      sliceFirst(readNpyFloat32(join(folder, kind)), i),
      meta.targets[i]?.scale[kind === 'seed.npy' ? 'seed' : kind.slice(5, -4)],
    )
  const graphs = new Map(
    meta.files.map(({ file }) => [file, decode(Uint8Array.from(readFileSync(join(folder, file))))]),
  )
  const has = (file: string, side: 'inputs' | 'outputs', name: string) =>
    graphs.get(file)?.[side].some((v) => v.name === name) ?? false
  const kinked = Object.values(meta.operators).some((ops) => ops.includes('Relu'))
  const limit = kinked ? LIMIT.kinked : LIMIT.smooth
  const lines: string[] = []
  for (const { file, inputs } of meta.files.filter((f) => has(f.file, 'outputs', meta.answer))) {
    const layerHere = (f: string) => (meta.layer?.file === f ? [meta.layer.name] : [])
    for (const i of meta.targets.keys()) {
      const seed = read('seed.npy', i)
      let found: (name: string) => Tensor
      const direct = has(file, 'inputs', meta.picture)
      if (direct)
        found = await gradients(join(folder, file), inputs, values, meta.answer, seed, [
          meta.picture,
          ...layerHere(file),
        ])
      else {
        const before = meta.files.find((f) => has(f.file, 'inputs', meta.picture))
        const link = Object.entries(inputs).find(([, from]) => before && has(before.file, 'outputs', from))
        if (!before || !link) throw new Error('no file reads the picture')
        const middle = await gradients(join(folder, file), inputs, values, meta.answer, seed, [link[0]])
        found = await gradients(join(folder, before.file), before.inputs, values, link[1], middle(link[0]), [
          meta.picture,
          ...layerHere(before.file),
        ])
      }
      const off = [relativeL2(numbers(found(meta.picture)), read('grad_input.npy', i).data)]
      if (meta.layer) off.push(relativeL2(numbers(found(meta.layer.name)), read('grad_layer.npy', i).data))
      const bad = off.some((v) => !(v <= limit))
      lines.push(
        `${bad ? 'WRONG ' : ''}${file} ${JSON.stringify(meta.targets[i]?.target)}: ${off.map((v) => v.toExponential(1)).join(' ')}`,
      )
    }
  }
  return lines
}

const [folder = '', ...names] = process.argv.slice(2)
if (!existsSync(folder)) {
  console.error('usage: npx tsx scripts/check-targets.ts FOLDER [NAME...]')
  process.exit(2)
}
for (const name of readdirSync(folder).filter(
  (n) => existsSync(join(folder, n, 'meta.json')) && (names.length === 0 || names.includes(n)),
)) {
  const lines = await check(join(folder, name)).catch((error) => [
    `WRONG ${error instanceof Error ? error.message : error}`,
  ])
  if (lines.some((l) => l.startsWith('WRONG'))) process.exitCode = 1
  for (const line of lines) console.log(`${name}: ${line}`)
}
