/** `onnxplain check PICTURE`: one map, and whether it deserves belief. */

import type { Command } from 'commander'
import { backgroundOf, figureColumns, figureFooter, figureOf, withCheck } from '../figures/index.js'
import { type CheckReport, check } from '../metrics/index.js'
import { drawFigure } from '../node/draw.js'
import { writeWhole } from '../node/files.js'
import { readImage } from '../node/open.js'
import type { GivenTarget } from '../targets/index.js'
import { addMethodOptions, count, givenMethodOptions, givenTarget } from './arguments.js'
import {
  addModelOptions,
  addTextOptions,
  checkModelOptions,
  type ModelOptions,
  oneLayer,
  openModel,
  warner,
} from './model-options.js'
import { refuseOneOutput } from './outputs.js'
import { eachPicture } from './pictures.js'
import { table } from './print.js'
import { showProgress } from './progress.js'

interface Options extends ModelOptions {
  readonly method: string
  readonly target?: GivenTarget
  readonly output?: string
  readonly json?: boolean
  readonly passes: number
}

export function checkCommand(program: Command): void {
  const command = program
    .command('check')
    .description('says in words and figures whether a map deserves belief')
    .argument('<pictures...>', 'JPEG, PNG, WebP, AVIF, TIFF or GIF files')
    .option('--method <id>', 'method whose map is checked', 'grad-cam')
    .option('-t, --target <label|index|kind:...>', 'what to explain (default: the best answer)', givenTarget)
    .option(
      '--passes <n>',
      'the most forward passes to spend (a backward pass counts as one); all: no limit',
      count,
      60,
    )
    .option('-o, --output <file>', 'figure to write, with the verdict beside the map: .png, .svg, .jpg or .webp')
    .option('--json', 'print the report as JSON, one line a picture')
  addModelOptions(command)
  addTextOptions(command)
  addMethodOptions(command)
  command.action(async (pictures: readonly string[], options: Options) => run(command, pictures, options))
}

async function run(command: Command, pictures: readonly string[], options: Options): Promise<void> {
  checkModelOptions(command, options)
  const { output } = options
  await refuseOneOutput(command, pictures, options)
  const warn = warner(options)
  const { model, inputs } = await openModel(options, warn)
  await using opened = model
  const { method, target, score, grid, batch, passes } = options
  const layer = oneLayer(command, options)
  const given = givenMethodOptions(command)
  await eachPicture(pictures, {
    read: (picture) => readImage(picture),
    work: async (image, picture) => {
      const asked = { method, score, grid, inputs, layer, options: given, ...(batch ? { batch } : {}) }
      const explained = await opened.explainAll(image, { ...asked, ...(target === undefined ? {} : { target }) })
      const [explanation] = explained.explanations
      if (!explanation) return undefined
      const bar = showProgress(!options.quiet)
      let report: CheckReport
      try {
        report = await check(opened.model, image, explanation, {
          inputs,
          passes,
          seed: Number(given.seed ?? 0),
          ...(batch ? { batch } : {}),
          onProgress: ({ check: id, done, total }) => bar.update({ method: id, done, total }),
        })
      } finally {
        bar.stop()
      }
      if (output !== undefined) {
        const background = backgroundOf(explanation, 'dims' in image ? undefined : image, opened.model.preprocessing)
        const footer = figureFooter(explained, opened.model.name)
        const columns = figureColumns([explanation.method], explained)
        const figure = withCheck(figureOf(background, explained, columns, { footer }), report)
        await writeWhole(output, await drawFigure(figure, output))
      }
      const { answer, provenance } = explanation
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ input: picture, figure: output ?? null, ...report, answer, provenance })}\n`
          : reportText(`${picture}: ${explanation.method.title} of ${answer.label}`, report, output),
      )
      return undefined
    },
  })
}

const WORDS = { fine: 'fine', unclear: 'unclear', suspicious: 'SUSPICIOUS', 'not-asked': 'not asked' } as const

function reportText(head: string, { checks, summary, passes }: CheckReport, figure: string | undefined): string {
  const lines = checks.map(({ id, verdict, question, says, suspicious }) => {
    const warning = verdict === 'fine' || verdict === 'not-asked' ? '' : `      Suspicious would be: ${suspicious}\n`
    return `${table([[WORDS[verdict].padEnd(10), id, question]])}      ${says}\n${warning}`
  })
  const drawn = figure === undefined ? '' : `  figure: ${figure}\n`
  return `${head}\n${lines.join('')}  ${summary} (${passes} passes)\n${drawn}`
}
