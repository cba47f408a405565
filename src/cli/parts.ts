/** Commands that list what a model finds in a picture, and explain each part by a map of its own. */
import type { Command } from 'commander'
import type { ExplanationSet, GivenInputs } from '../explain/index.js'
import { backgroundOf, figureFooter, figureOf } from '../figures/index.js'
import type { Picture } from '../image/index.js'
import { findMethod } from '../methods/index.js'
import { drawFigure, refuseFormat } from '../node/draw.js'
import { refuseOverwriting, refuseUnwritable, writeWhole } from '../node/files.js'
import { type NodeModel, readImage } from '../node/open.js'
import type { FigureSpec } from '../render/index.js'
import { addMethodOptions, givenMethodOptions, positive } from './arguments.js'
import {
  addModelOptions,
  addTextOptions,
  checkModelOptions,
  inputFiles,
  type ModelOptions,
  openModel,
  warner,
} from './model-options.js'
import { eachPicture } from './pictures.js'
import { table } from './print.js'
import { showProgress } from './progress.js'

export interface PartsOptions extends ModelOptions {
  readonly method: string
  readonly explain: number
  readonly output?: string
  readonly json?: boolean
}

/** One kind of parts. */
export interface Parts<Part, Options extends PartsOptions> {
  find(model: NodeModel, image: Picture, options: Options, inputs: GivenInputs): Promise<readonly Part[]>
  /** The target of a part, which is the `i`th of those found. */
  target(part: Part, i: number): string
  /** What a figure and targets are asked with. */
  asked?(options: Options): object
  /** A row of the list. */
  row(part: Part, i: number): readonly string[]
  /** What is drawn on the figure besides. */
  drawn?(figure: FigureSpec, parts: readonly Part[], image: Picture): FigureSpec
  /** Said where there are none. */
  readonly none: string
}

export function addPartsOptions(command: Command, what: string): void {
  command
    .argument('<pictures...>', 'JPEG, PNG, WebP, AVIF, TIFF or GIF files')
    .option('--method <id>', 'method of the maps', 'grad-cam')
    .option('--explain <n>', `as many ${what} get a map on the figure, from the first on`, positive, 4)
    .option('-o, --output <file>', 'figure to write: .png, .svg, .jpg or .webp (default: none)')
    .option('--json', `print the ${what} as JSON, one line a picture`)
  addModelOptions(command)
  addTextOptions(command)
  addMethodOptions(command)
}

export async function runParts<Part, Options extends PartsOptions>(
  command: Command,
  pictures: readonly string[],
  options: Options,
  parts: Parts<Part, Options>,
): Promise<void> {
  checkModelOptions(command, options)
  const { output } = options
  const method = findMethod(options.method)
  if (output !== undefined) {
    if (pictures.length > 1) command.error('error: --output is for one picture', { exitCode: 2 })
    refuseFormat(output)
    const read = [...pictures, ...inputFiles(options), ...(options.model ? [options.model] : [])]
    await refuseOverwriting(read, [output], 'Give --output another file.')
    await refuseUnwritable(output)
  }
  const warn = warner(options)
  const { model, inputs } = await openModel(options, warn)
  await using opened = model
  const work = async (image: Awaited<ReturnType<typeof readImage>>, picture: string): Promise<undefined> => {
    if ('dims' in image) return undefined
    const found = await parts.find(opened, image, options, inputs)
    const shown = found.slice(0, options.explain)
    if (output !== undefined && shown.length > 0) {
      const { layer, grid, score, batch } = options
      const progress = showProgress(!options.quiet)
      let set: ExplanationSet
      try {
        set = await opened.explainAll(image, {
          ...{ method: method.id, inputs, layer, grid, score, options: givenMethodOptions(command) },
          ...(batch === undefined ? {} : { batch }),
          ...parts.asked?.(options),
          target: shown.map((part, i) => parts.target(part, i)),
          onProgress: progress.update,
        })
      } finally {
        progress.stop()
      }
      const [first] = set.explanations
      const [refusal] = set.refused
      if (!first) throw refusal?.error ?? new Error('nothing was explained')
      const background = backgroundOf(first, image, opened.model.preprocessing)
      const footer = figureFooter(set, opened.model.name)
      const figure = figureOf(background, set, [{ id: method.id, title: method.title }], { footer })
      await writeWhole(output, await drawFigure(parts.drawn?.(figure, shown, image) ?? figure, output))
      for (const note of new Set(set.explanations.flatMap((e) => e.provenance.notes)))
        if (!opened.model.notes.includes(note)) warn(note)
    }
    const rows = found.map((part, i) => parts.row(part, i))
    const written = output !== undefined && shown.length > 0 ? `  figure: ${output}\n` : ''
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ input: picture, found, figure: written === '' ? null : output })}\n`
        : `${picture}\n${rows.length > 0 ? table(rows, [0]) : `  ${parts.none}\n`}${written}`,
    )
    return undefined
  }
  await eachPicture(pictures, { read: readImage, work })
}
