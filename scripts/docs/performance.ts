/** docs/performance.md: what `npm run bench -- ... --save` stored, in tables; no figure is typed by hand. */
import { readFileSync } from 'node:fs'
import { readResults } from '../../bench/results.js'
import { performanceText } from '../../bench/tables.js'

const HEAD = `# Performance

<!-- Made by scripts/docs.ts from bench/results/speed.json, which \`npm run bench -- FOLDER... --save\` writes. -->

How long explanations take beside the network's own forward pass in ONNX Runtime, and beside PyTorch, pytorch-grad-cam and Captum on the same weights.
All that is compared in a line was run in turn, in one go; the machine is shared, so that the best run counts, and where the load is above the number of
cores, ratios by processor time on one thread tell more than those by the clock. Networks have random weights, which does not change what they cost.
To repeat it: \`python scripts/rivals.py export FOLDER resnet50 vgg16 ...\`, then
\`ONNXPLAIN_PYTHON=... npm run bench -- shipped FOLDER --profile --memory --occlusion --command --chains --slow --save\` and \`npm run docs\`.
`

export function performancePage(): string {
  const results = readResults()
  const reasons = readFileSync(new URL('performance-text.md', import.meta.url), 'utf8')
  return results ? `${HEAD}\n${performanceText(results, reasons)}` : HEAD
}
