/** Commands that list what a model finds in a picture, and explain each part by a map of its own. */
import type { Command } from 'commander'
import type { GivenInputs } from '../explain/index.js'
import { backgroundOf, figureFooter, figureOf } from '../figures/index.js'
import type { Picture } from '../image/index.js'
import { findMethod } from '../methods/index.js'
import { drawFigure } from '../node/draw.js'
import { writeWhole } from '../node/files.js'
import { type NodeModel, readPicture } from '../node/open.js'
import type { FigureSpec } from '../render/index.js'
import { addMethodOptions, givenMethodOptions, positive } from './arguments.js'
import { explained } from './explained.js'
import {
  addModelOptions,
  addTextOptions,
  checkModelOptions,
  type ModelOptions,
  openModel,
  warner,
} from './model-options.js'
import { refuseOneOutput } from './outputs.js'
import { eachPicture } from './pictures.js'
import { table, warnOf } from './print.js'

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
  await refuseOneOutput(command, pictures, options)
  const warn = warner(options)
  const { model, inputs } = await openModel(options, warn)
  await using opened = model
  const work = async (image: Picture, picture: string): Promise<undefined> => {
    const found = await parts.find(opened, image, options, inputs)
    const shown = found.slice(0, options.explain)
    if (output !== undefined && shown.length > 0) {
      const set = await explained(opened, image, options, {
        ...{ method: method.id, inputs, options: givenMethodOptions(command) },
        ...parts.asked?.(options),
        target: shown.map((part, i) => parts.target(part, i)),
      })
      const [first] = set.explanations
      if (!first) throw new Error('nothing was explained')
      const background = backgroundOf(first, image, opened.model.preprocessing)
      const footer = figureFooter(set, opened.model.name)
      const figure = figureOf(background, set, [{ id: method.id, title: method.title }], { footer })
      await writeWhole(output, await drawFigure(parts.drawn?.(figure, shown, image) ?? figure, output))
      warnOf(set, opened.model.notes, warn)
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
  await eachPicture(pictures, { read: readPicture, work })
}
