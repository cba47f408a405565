/** `onnxplain inspect MODEL` */
import type { Command } from 'commander'
import { inspect } from '../explain/index.js'
import { fixedSize } from '../image/index.js'
import { ortRuntime } from '../node/ort.js'
import { resolveModel } from '../node/resolve.js'
import { inspectionText } from './print.js'

export function inspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('what a model holds: inputs, outputs, size, layers to choose from, operators without a backward rule')
    .argument('[model]', 'a .onnx file, or a folder in the Hugging Face layout (default: the shipped model)')
    .option('--picture-input <name>', 'input that takes the picture, where several could')
    .option('--json', 'print JSON')
    .action(async (path: string | undefined, options: { readonly json?: boolean; readonly pictureInput?: string }) => {
      const { graph, name, preprocessing, pictureSize } = await resolveModel(path)
      const size = pictureSize ?? (preprocessing && fixedSize(preprocessing))
      const warn = (line: string): boolean => process.stderr.write(`onnxplain: ${line}\n`)
      const found = await inspect(graph, await ortRuntime({ warn }), options.pictureInput, size)
      process.stdout.write(
        options.json ? `${JSON.stringify({ model: name, ...found })}\n` : inspectionText(name, found),
      )
    })
}
