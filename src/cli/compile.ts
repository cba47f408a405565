/** `onnxplain compile MODEL -o OUT.onnx --method ID` */
import type { Command } from 'commander'
import { compile } from '../explain/index.js'
import { fixedSize } from '../image/index.js'
import { METHODS } from '../methods/index.js'
import { refuseOverwriting, refuseUnwritable, writeWhole } from '../node/files.js'
import { ortRuntime } from '../node/ort.js'
import { resolveModel } from '../node/resolve.js'
import { encode } from '../onnx/encode.js'
import { probe } from '../passes/probe.js'
import { TARGET_KINDS } from '../targets/index.js'
import { SCORES, type Score } from '../targets/target.js'
import { addMethodOptions, checkScore, collect, GRID, givenMethodOptions } from './arguments.js'

interface Options {
  readonly output: string
  readonly method?: readonly string[]
  readonly layer?: string
  readonly grid?: string
  readonly answer?: string
  readonly score?: Score
  readonly target?: string
  readonly pictureInput?: string
  readonly explain?: readonly string[]
  readonly relu?: boolean
  readonly upsample?: boolean
  readonly normalize?: boolean
}

export function compileCommand(program: Command): void {
  const command = program
    .command('compile')
    .description('writes the model with its heat map inside, for any ONNX Runtime binding')
    .argument('<model>', 'a .onnx file, or a folder in the Hugging Face layout')
    .requiredOption('-o, --output <file.onnx>', 'file to write')
    .option('--method <id>', 'method of one run; repeats (default: grad-cam)', collect)
    .option('-l, --layer <value>', 'layer for CAM methods, by its value name (default: the last feature map)')
    .option('--grid <RxC[+N]>', GRID)
    .option('--answer <output>', 'output that holds the answer, where the model has several')
    .option(
      '--target <kind>',
      `what is explained: ${TARGET_KINDS.map((d) => d.kind).join(', ')}; of a value by its name, as neuron:VALUE (default: class, or what the model answers)`,
    )
    .option('--score <kind>', `what is explained of a class: ${SCORES.join(', ')}`)
    .option('--picture-input <name>', 'input that takes the picture, where several could')
    .option(
      '--explain <input>',
      'input that gradients are taken of, by its name, or "all" of floats; repeats (default: the picture)',
      collect,
    )
    .option('--relu', 'keep the positive part of the map')
    .option('--upsample', "resize the map bilinearly to the model's input")
    .option('--normalize', 'divide each map by its largest absolute value')
  addMethodOptions(
    command,
    METHODS.filter((m) => m.kind === 'compiled'),
  )
  command.action(async (path: string, options: Options) => {
    checkScore(command, options.score)
    await refuseUnwritable(options.output)
    const { graph, files, preprocessing, pictureSize } = await resolveModel(path)
    await refuseOverwriting(files, [options.output], 'Give --output another file.')
    const warn = (line: string): boolean => process.stderr.write(`onnxplain: ${line}\n`)
    const size = pictureSize ?? (preprocessing && fixedSize(preprocessing))
    const shapes = await probe(graph, await ortRuntime({ warn }), { size })
    const { output, method, explain: wrt, ...rest } = options
    const own = givenMethodOptions(command)
    const plan = compile(graph, { ...rest, wrt, shapes, preprocessing, options: own, ...(method ? { method } : {}) })
    const [refusal] = plan.refused
    if (refusal) throw refusal.error
    await writeWhole(output, encode(plan.graph))
    const maps = plan.maps.map(
      (m) =>
        `  ${m.output}: ${m.method.id}${m.layer ? ` at ${m.layer}` : m.input === plan.input.name ? '' : ` of ${m.input}`}\n`,
    )
    process.stdout.write(
      `${output}\n${maps.join('')}${plan.targetInputs.map((i) => `  input "${i.name}": ${i.meaning}\n`).join('')}`,
    )
  })
}
