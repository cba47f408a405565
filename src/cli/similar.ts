/** `onnxplain similar QUERY PICTURE...`: pictures ranked by how like they are to one, and what makes them so. */
import { basename } from 'node:path'
import type { Command } from 'commander'
import { type SimilarPicture, similar } from '../explain/index.js'
import { figureFooter, similarFigure } from '../figures/index.js'
import type { Picture } from '../image/index.js'
import { findMethod } from '../methods/index.js'
import { drawFigure } from '../node/draw.js'
import { writeWhole } from '../node/files.js'
import { readPicture } from '../node/open.js'
import { addMethodOptions, givenMethodOptions, positive } from './arguments.js'
import {
  addModelOptions,
  checkModelOptions,
  filesRead,
  type ModelOptions,
  oneLayer,
  openModel,
  warner,
} from './model-options.js'
import { besideOf, refuseOutput } from './outputs.js'
import { table } from './print.js'

interface Options extends ModelOptions {
  readonly method: string
  readonly value?: string
  readonly top: number
  readonly output?: string
  readonly json?: boolean
}

export function similarCommand(program: Command): void {
  const command = program
    .command('similar')
    .description('ranks pictures by how like they are to one, and draws what makes them so: on the query and on each')
    .argument('<query>', 'the picture that the others are compared with')
    .argument('<pictures...>', 'JPEG, PNG, WebP, AVIF, TIFF or GIF files')
    .option('--method <id>', 'method of the maps', 'grad-cam')
    .option(
      '--value <name>',
      "the value [N,numbers] that is a picture's embedding (default: the model's; of a classifier what its last linear layer reads)",
    )
    .option('--top <n>', 'pictures that are drawn, the most alike first', positive, 5)
    .option('-o, --output <file>', 'figure to write: .png, .svg, .jpg or .webp (default: beside the query)')
    .option('--json', 'print JSON, one line; no figure unless --output is given')
  addModelOptions(command)
  addMethodOptions(command)
  command.action(async (query: string, pictures: readonly string[], options: Options) =>
    run(command, query, pictures, options),
  )
}

async function run(command: Command, query: string, paths: readonly string[], options: Options): Promise<void> {
  checkModelOptions(command, options)
  const method = findMethod(options.method).id
  const layer = oneLayer(command, options)
  const output = options.output ?? (options.json ? undefined : besideOf(query, 'similar'))
  if (output !== undefined) await refuseOutput(output, filesRead([query, ...paths], options))
  const image = await readPicture(query)
  const pictures = new Map<string, Picture>()
  for (const path of paths) pictures.set(path, await readPicture(path))
  const warn = warner(options)
  const { model, inputs } = await openModel(options, warn)
  await using opened = model
  const { value: of, top, grid } = options
  const named = [...pictures].map(([name, picture]) => ({ name, image: picture }))
  const asked = { of, top, method, layer, grid, inputs, options: givenMethodOptions(command) }
  const ranked = await similar(opened.model, { name: query, image }, named, asked)
  const shown = ranked.flatMap(({ maps }) => (maps ? [maps.ofQuery, maps.ofPicture] : []))
  const { value, size } = opened.model.embeddingValue(of)
  if (of === undefined && value !== opened.model.answer.logits)
    warn(`The embedding is "${value}", ${size} numbers that the last linear layer reads; --value names another.`)
  for (const note of new Set(shown.flatMap((e) => e.provenance.notes)))
    if (!opened.model.notes.includes(note)) warn(note)
  if (output !== undefined) {
    const footer = figureFooter({ explanations: shown }, opened.model.name)
    const figure = similarFigure({ name: query, picture: image }, ranked, (name) => pictures.get(name) ?? image, {
      footer,
    })
    await writeWhole(output, await drawFigure(short(figure), output))
  }
  process.stdout.write(options.json ? `${json(query, ranked, value, output)}\n` : rankedText(query, ranked, output))
}

/** With files called by their names alone. */
function short(figure: ReturnType<typeof similarFigure>): ReturnType<typeof similarFigure> {
  const [query, ...columns] = figure.columns
  return {
    ...figure,
    columns: [
      { ...query, title: query?.title ?? '', subtitle: basename(query?.subtitle ?? '') },
      ...columns.map((c) => ({ ...c, title: basename(c.title) })),
    ],
  }
}

function rankedText(query: string, ranked: readonly SimilarPicture[], figure: string | undefined): string {
  const rows = ranked.map(({ name, cosine }) => [cosine.toFixed(4), name])
  return `${query}\n${table(rows, [0])}${figure === undefined ? '' : `  figure: ${figure}\n`}`
}

function json(query: string, ranked: readonly SimilarPicture[], value: string, figure: string | undefined): string {
  return JSON.stringify(
    {
      query,
      embedding: value,
      figure: figure ?? null,
      pictures: ranked.map(({ name, cosine, maps }) => ({
        picture: name,
        cosine,
        maps: maps ? { ofQuery: maps.ofQuery.raw, ofPicture: maps.ofPicture.raw } : null,
      })),
    },
    (_, v: unknown) => (ArrayBuffer.isView(v) ? Array.from(v as Float32Array) : v),
  )
}
