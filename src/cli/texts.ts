/** What commands about texts have in common: options, the figure, and what is printed. */
import type { Command } from 'commander'
import { type ExplainOptions, type ExplanationSet, type GivenInputs, resultJson } from '../explain/index.js'
import type { Background } from '../figures/figure.js'
import { backgroundOf, figureColumns, figureFooter } from '../figures/index.js'
import type { Picture } from '../image/index.js'
import { findMethod } from '../methods/index.js'
import type { Method } from '../methods/method.js'
import { drawFigure } from '../node/draw.js'
import { refuseOverwriting, refuseUnwritable, writeWhole } from '../node/files.js'
import { type NodeModel, readPicture } from '../node/open.js'
import type { FigureMethod, FigureSpec } from '../render/index.js'
import type { GivenTarget } from '../targets/index.js'
import { addMethodOptions, collect, collectTargets, givenMethodOptions } from './arguments.js'
import { explained } from './explained.js'
import { addModelOptions, checkModelOptions, filesRead, type ModelOptions, openModel, warner } from './model-options.js'
import { type FigureKind, outputsOf } from './outputs.js'
import { eachPicture } from './pictures.js'
import { warnOf } from './print.js'

export interface TextsOptions extends ModelOptions {
  readonly method?: readonly string[]
  readonly guided?: boolean
  readonly target?: readonly GivenTarget[]
  readonly output?: string
  readonly json?: boolean
}

/** The options of all of them. */
export function addTextsOptions(command: Command, target: string): void {
  command
    .option('-t, --target <what>', target, collectTargets)
    .option('--method <id>', 'method of the maps; repeats (default: grad-cam)', collect)
    .option('--guided', 'guided Grad-CAM too')
    .option(
      '-o, --output <file>',
      'figure to write: .png, .svg, .jpg or .webp; or a folder (default: beside the picture)',
    )
    .option('--json', 'print the whole result as JSON, one line a picture; no figure unless --output is given')
  addModelOptions(command)
  addMethodOptions(command)
}

/** One picture with an open model. */
export interface Asked {
  readonly model: NodeModel
  readonly image: Picture
  readonly inputs: GivenInputs
  /** Explains by the methods that were asked for. Rejects where none of them gives a map. */
  explain(options: ExplainOptions): Promise<ExplanationSet>
  /** Says a line on standard error. */
  warn(line: string): void
}

/** What came of one picture. */
export interface Told {
  readonly set: ExplanationSet
  /** Lines for people. */
  readonly text: string
  /** What JSON tells besides. */
  readonly json: Readonly<Record<string, unknown>>
  figure(background: Background, columns: readonly FigureMethod[], footer: string): FigureSpec
}

/** Opens the model (`shipped`, where none is named) and tells of each picture. */
export async function runTexts(
  command: Command,
  pictures: readonly string[],
  options: TextsOptions,
  { kind, shipped, tell }: { kind: FigureKind; shipped: string; tell: (asked: Asked) => Promise<Told> },
): Promise<void> {
  checkModelOptions(command, options)
  const ids = [...(options.method ?? ['grad-cam']), ...(options.guided ? ['guided-grad-cam'] : [])]
  const methods = [...new Set(ids.map(findMethod))]
  const outputs = await outputsOf(pictures, kind, { output: options.output, none: options.json })
  await refuseOverwriting(filesRead(pictures, options), [...outputs.values()], 'Give --output another file.')
  for (const path of outputs.values()) await refuseUnwritable(path)
  const warn = warner(options)
  const { model: opened, inputs } = await openModel({ ...options, model: options.model ?? shipped }, warn)
  await using model = opened
  const given = givenMethodOptions(command)
  await eachPicture(pictures, {
    read: readPicture,
    work: async (image, picture) => {
      const own = { method: methods.map((m) => m.id), inputs, options: given }
      const explain = (asked: ExplainOptions) => explained(model, image, options, { ...own, ...asked })
      const told = await tell({ model, image, inputs, explain, warn })
      return () => show(model, told, { image, picture, output: outputs.get(picture), methods, options, warn })
    },
  })
}

interface Shown {
  readonly image: Picture
  readonly picture: string
  readonly output: string | undefined
  readonly methods: readonly Method[]
  readonly options: TextsOptions
  readonly warn: (line: string) => void
}

/** Draws, writes and prints. */
async function show(
  { model }: NodeModel,
  told: Told,
  { image, picture, output, methods, options, warn }: Shown,
): Promise<void> {
  const { set, text, json } = told
  const [first] = set.explanations
  if (output !== undefined && first) {
    const background = backgroundOf(first, image, model.preprocessing)
    const spec = told.figure(background, figureColumns(methods, set), figureFooter(set, model.name))
    await writeWhole(output, await drawFigure(spec, output))
  }
  process.stdout.write(
    options.json
      ? `${resultJson(picture, set, output, json)}\n`
      : `${picture}\n${text}${output === undefined ? '' : `  figure: ${output}\n`}`,
  )
  warnOf(set, model.notes, warn)
}
