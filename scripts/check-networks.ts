/**
 * Holds whole networks to PyTorch's gradients:
 *
 *     npx tsx scripts/check-networks.ts FOLDER [NAME...]
 *
 * FOLDER/NAME/ holds model.onnx (input `input`, output `output`), input.npy, grad_input.npy (d output[0, target] / d input by
 * autograd), meta.json (`target`, and `layer_value` where a layer was watched) and then layer_grad.npy. Prints one row of a
 * markdown table a network; exits with 1 where a gradient is off by more than 4 % or correlates by less than 0.999.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { float32 } from '../src/core/tensor.js'
import { chooseLayer } from '../src/methods/head.js'
import { ortRuntime } from '../src/node/ort.js'
import { decode } from '../src/onnx/decode.js'
import { encodeSkeleton } from '../src/onnx/encode.js'
import type { Graph } from '../src/onnx/ir.js'
import type { Shapes } from '../src/onnx/shapes.js'
import { probe } from '../src/passes/probe.js'
import { findAnswer } from '../src/targets/answer.js'
import { differentiate, gradientName } from '../src/vjp/differentiate.js'
import { correlation, relativeL2 } from '../test/support/measures.js'
import { readNpyFloat32 } from '../test/support/npy.js'
import { numbers } from '../test/support/run.js'

const LIMITS = { relativeL2: 4e-2, correlation: 0.999 }
const INPUT = 'input'
const OUTPUT = 'output'

interface Meta {
  readonly target: number
  readonly layer_value?: string | null
}

interface Agreement {
  readonly relativeL2: number
  readonly correlation: number
}

interface Row {
  readonly nodes: number
  readonly input: Agreement
  readonly layer: Agreement | undefined
  /** The layer onnxplain chooses, where it is another than the watched one. */
  readonly chosen: string
  readonly compileMs: number
}

function isClose(a: Agreement | undefined): boolean {
  return !a || (a.relativeL2 <= LIMITS.relativeL2 && a.correlation >= LIMITS.correlation)
}

function printAgreement(a: Agreement | undefined): string {
  return a ? `${a.relativeL2.toExponential(1)} | ${a.correlation.toFixed(6)}` : '- | -'
}

function defaultLayer(graph: Graph, shapes: Shapes): string {
  try {
    return chooseLayer(graph, shapes, findAnswer(graph, shapes).logits, undefined)
  } catch (error) {
    return `none: ${error instanceof Error ? error.message.split('.')[0] : error}`
  }
}

async function check(folder: string): Promise<Row> {
  const meta: Meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'))
  const read = (name: string) => readNpyFloat32(join(folder, name))
  const runtime = await ortRuntime()
  const graph = decode(Uint8Array.from(readFileSync(join(folder, 'model.onnx'))))
  const shapes = await probe(graph, runtime)
  const watched = meta.layer_value ?? undefined
  const start = performance.now()
  const gradient = differentiate(graph, { of: OUTPUT, wrt: [INPUT, ...(watched ? [watched] : [])], shapes })
  const compileMs = performance.now() - start
  const session = await runtime.createSession(encodeSkeleton(gradient))
  const classes = shapes.get(OUTPUT)?.dims?.[1]
  const seed = float32([1, typeof classes === 'number' ? classes : 1000])
  seed.data[meta.target] = 1
  const out = await session.run({ [INPUT]: read('input.npy'), [gradientName(OUTPUT)]: seed })
  await session.release()
  const compare = (value: string, file: string): Agreement => {
    const got = numbers(out[gradientName(value)])
    const want = read(file).data
    return { relativeL2: relativeL2(got, want), correlation: correlation(got, want) }
  }
  const chosen = defaultLayer(graph, shapes)
  return {
    nodes: gradient.nodes.length,
    input: compare(INPUT, 'grad_input.npy'),
    layer: watched ? compare(watched, 'layer_grad.npy') : undefined,
    chosen: chosen === watched ? 'the same' : `${chosen}${watched ? ` instead of ${watched}` : ''}`,
    compileMs,
  }
}

async function main(folder: string, wanted: readonly string[]): Promise<boolean> {
  const names = wanted.length > 0 ? wanted : readdirSync(folder).sort()
  console.log(
    '| network | nodes | input: relative L2 | correlation | layer: relative L2 | correlation | default layer | compile ms |',
  )
  console.log('|---|---|---|---|---|---|---|---|')
  let good = true
  for (const name of names) {
    if (!existsSync(join(folder, name, 'meta.json'))) continue
    try {
      const row = await check(join(folder, name))
      const fine = isClose(row.input) && isClose(row.layer)
      good &&= fine
      const cells = [
        row.nodes,
        printAgreement(row.input),
        printAgreement(row.layer),
        row.chosen,
        row.compileMs.toFixed(0),
      ]
      console.log(`| ${fine ? name : `**${name}**`} | ${cells.join(' | ')} |`)
    } catch (error) {
      good = false
      console.log(`| **${name}** | ${error instanceof Error ? error.message.replaceAll('|', '\\|') : error} |`)
    }
  }
  return good
}

const [folder, ...names] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: npx tsx scripts/check-networks.ts FOLDER [NAME...]')
  process.exitCode = 2
} else if (!(await main(folder, names))) process.exitCode = 1
