// Speed, as ratios to ONNX Runtime's plain forward pass in the same run, beside PyTorch, pytorch-grad-cam and Captum:
//
//     npm run bench [-- MODEL.onnx|FOLDER ...] [--runs N] [--profile] [--slow] [--memory] [--occlusion]
//         [--command] [--chains] [--save]
//
// A FOLDER may hold model.onnx, or folders that do; without one: the shipped model. Runs of all that is compared are interleaved; each figure is the
// best of N (the machine is shared: the least disturbed run), the ratio's spread is that of the quartiles. Rivals need ONNXPLAIN_PYTHON, a Python
// with them, and networks that `python scripts/rivals.py export FOLDER ARCH...` wrote; otherwise their columns are absent.
//   --profile   a table of operators each, by ONNX Runtime's profiler      --slow     Score-CAM and Ablation-CAM, once
//   --memory    peaks, in processes of their own                           --command  many pictures; the start of the built command
//   --occlusion on windows, against whole pictures and Captum's
//   --chains    compilation by the number of nodes                         --save     writes bench/results/speed.json; `npm run docs` makes docs/performance.md of it
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ortRuntime } from '../src/node/ort.js'
import { chains } from './chain.js'
import { measureCommand } from './command.js'
import { measureNetwork } from './network.js'
import { machine, type NetworkResult, type Results, writeResults } from './results.js'
import { performanceText } from './tables.js'

const flag = { type: 'boolean', default: false } as const
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '15' },
    profile: flag,
    slow: flag,
    memory: flag,
    occlusion: flag,
    command: flag,
    chains: flag,
    save: flag,
  },
})

/** Model files below what was named. */
function models(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path]
  if (existsSync(join(path, 'model.onnx'))) return [join(path, 'model.onnx')]
  return readdirSync(path).flatMap((name) => (statSync(join(path, name)).isDirectory() ? models(join(path, name)) : []))
}

const runtime = await ortRuntime()
// before the networks, whose weights stay in the process
const chained = values.chains ? await chains([1000, 2000, 5000, 10000]) : []
const networks: NetworkResult[] = []
const { profile, slow, memory, occlusion } = values
for (const path of positionals.length === 0 ? [''] : positionals.flatMap((p) => (p === 'shipped' ? [''] : models(p))))
  try {
    process.stderr.write(`${path || 'shipped model'}\n`)
    networks.push(await measureNetwork(path, runtime, { runs: Number(values.runs), profile, slow, memory, occlusion }))
  } catch (error) {
    process.stderr.write(`${path}: ${error instanceof Error ? error.message.slice(0, 300) : error}\n`)
    process.exitCode = 1
  }
const results: Results = {
  machine: machine(runtime.name),
  networks,
  command: values.command ? await measureCommand(5) : undefined,
  chains: chained,
}
process.stdout.write(performanceText(results))
if (values.save) writeResults(results)
