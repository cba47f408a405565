/** `onnxplain compare PICTURES... --method ... --metric ...`: which method is better, by numbers with their confidence. */

import { basename } from 'node:path'
import type { Command } from 'commander'
import { ExplainError } from '../core/errors.js'
import { findMethod } from '../methods/index.js'
import {
  type ComparedRow,
  checkComparison,
  comparePicture,
  findMetric,
  type GivenTruth,
  METRICS,
  meanCurve,
  pooled,
} from '../metrics/index.js'
import { drawChart, refuseFormat } from '../node/draw.js'
import { readBytes, refuseOverwriting, refuseUnwritable, writeWhole } from '../node/files.js'
import { readImage, withPictures } from '../node/open.js'
import type { ChartPanel } from '../render/index.js'
import type { GivenTarget } from '../targets/index.js'
import { addMethodOptions, collect, givenMethodOptions, givenTarget, named } from './arguments.js'
import { openJournal } from './journal.js'
import {
  addModelOptions,
  addTextOptions,
  checkModelOptions,
  filesRead,
  type ModelOptions,
  oneLayer,
  openModel,
  warner,
} from './model-options.js'
import { eachPicture } from './pictures.js'
import { showProgress } from './progress.js'
import { refuseTableFormat, type TableRow, tableFile, textOf } from './table-files.js'
import { readTruth } from './truth.js'

interface Options extends ModelOptions {
  readonly method?: readonly string[]
  readonly metric?: readonly string[]
  readonly metricOption?: readonly string[]
  readonly target?: GivenTarget
  readonly truth?: string
  readonly output?: readonly string[]
  readonly rows?: readonly string[]
  readonly plot?: string
  readonly journal?: string
}

export function compareCommand(program: Command): void {
  const command = program
    .command('compare')
    .description('measures the maps of several methods on many pictures: means with confidence intervals, and curves')
    .argument('<pictures...>', 'JPEG, PNG, WebP, AVIF, TIFF or GIF files')
    .option('--method <id>', 'method to compare; repeats (default: grad-cam, layer-cam, guided-grad-cam)', collect)
    .option(
      '--metric <id>',
      `metric to measure by; repeats (default: deletion, insertion): ${METRICS.map((m) => m.id).join(', ')}`,
      collect,
    )
    .option('--metric-option <name=value>', 'option of the metrics, as docs/metrics.md lists them; repeats', collect)
    .option(
      '-t, --target <label|index|kind:...>',
      'what to explain in every picture (default: the best answer of each)',
      givenTarget,
    )
    .option(
      '--truth <file.json>',
      'where the objects are, for metrics of localisation: {"cat.jpg": [[x0, y0, x1, y1], ...], ...} in pixels of the pictures',
    )
    .option('-o, --output <file>', 'table to write: .csv, .json, .parquet or .txt; repeats', collect)
    .option('--rows <file>', 'table of every picture, method and metric to write; repeats', collect)
    .option('--plot <file>', 'mean curves of metrics that have them: .png, .svg, .jpg or .webp')
    .option(
      '--journal <file.jsonl>',
      'keeps what is measured, picture by picture, and goes on from there when run again',
    )
  addModelOptions(command)
  addTextOptions(command)
  addMethodOptions(command)
  command.action(async (pictures: readonly string[], options: Options) => run(command, pictures, options))
}

async function run(command: Command, pictures: readonly string[], options: Options): Promise<void> {
  checkModelOptions(command, options)
  const methods = (options.method ?? ['grad-cam', 'layer-cam', 'guided-grad-cam']).map((id) => findMethod(id).id)
  const metrics = (options.metric ?? ['deletion', 'insertion']).map((id) => findMetric(id).id)
  const { target, score, grid, batch, output = [], rows: rowFiles = [], plot, journal: path } = options
  const layer = oneLayer(command, options)
  const given = givenMethodOptions(command)
  const metricOptions = namedValues(options.metricOption)
  checkComparison({ methods, metrics, options: given, metricOptions })
  for (const file of [...output, ...rowFiles]) refuseTableFormat(file)
  if (plot !== undefined) refuseFormat(plot)
  const written = [...output, ...rowFiles, ...(plot === undefined ? [] : [plot])]
  const read = [...filesRead(pictures, options), ...[options.truth, path].filter((f) => f !== undefined)]
  await refuseOverwriting(read, written, 'Give another file to write.')
  for (const file of written) await refuseUnwritable(file)
  const truth =
    options.truth === undefined
      ? new Map<string, GivenTruth>()
      : readTruth(await readBytes(options.truth, 'The truth'), options.truth)
  const warn = warner(options)
  const { model, inputs } = await openModel(options, warn)
  await using opened = model
  const { pictures: others } = await withPictures({ target })
  const settings = {
    methods,
    metrics,
    target: target ?? null,
    score,
    layer: layer ?? null,
    grid: grid ?? null,
    options: given,
    metricOptions,
  }
  const journal =
    path === undefined ? undefined : await openJournal(path, { model: await opened.model.sha256(), ...settings })
  const all: ComparedRow[] = []
  const bar = showProgress(!options.quiet)
  try {
    await eachPicture(pictures, {
      read: async (picture) => (journal?.done.has(picture) ? undefined : readImage(picture)),
      work: async (image, picture, i) => {
        bar.update({ method: basename(picture), done: i, total: pictures.length })
        const rows = image
          ? await comparePicture(opened.model, picture, image, {
              pictures: others,
              methods,
              metrics,
              target,
              score,
              grid,
              layer,
              inputs,
              options: given,
              metricOptions,
              truth: truth.get(basename(picture)),
              ...(batch === undefined ? {} : { batch }),
            })
          : (journal?.done.get(picture) ?? [])
        if (image) await journal?.add(picture, rows)
        all.push(...rows)
        return undefined
      },
    })
  } finally {
    bar.stop()
  }
  for (const reason of new Set(all.flatMap((r) => (r.refused === undefined ? [] : [`${r.method}: ${r.refused}`]))))
    warn(reason)
  const table = summary(all)
  for (const file of output) await writeWhole(file, await tableFile(file, table))
  for (const file of rowFiles) await writeWhole(file, await tableFile(file, all.map(plainRow)))
  if (plot !== undefined) await writeWhole(plot, await drawChart(panels(all, methods, metrics), plot))
  process.stdout.write(textOf(table))
  for (const file of written) process.stdout.write(`  written: ${file}\n`)
}

/** `NAME=VALUE`, by name. Throws `bad-option`. */
function namedValues(texts: readonly string[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const [name, value] = named(text) ?? []
      if (name !== undefined && value !== undefined) return [name.trim(), value.trim()]
      throw new ExplainError('bad-option', {
        what: `"${text}" is not NAME=VALUE`,
        where: '--metric-option',
        remedy: 'Give an option of a metric and its value: --metric-option step=448.',
      })
    }),
  )
}

/** A row for each method and metric. */
function summary(rows: readonly ComparedRow[]): readonly TableRow[] {
  return pooled(rows).map(({ method, metric, count, value, interval, deviation }) => ({
    method,
    metric: metric.id,
    better: metric.better,
    pictures: count,
    mean: value,
    low: count > 1 ? interval[0] : null,
    high: count > 1 ? interval[1] : null,
    deviation: count > 1 ? deviation : null,
  }))
}

function plainRow({ picture, method, metric, target, value, refused }: ComparedRow): TableRow {
  return { picture, method, metric, target: target.index, label: target.label, value, refused: refused ?? null }
}

function panels(
  rows: readonly ComparedRow[],
  methods: readonly string[],
  metrics: readonly string[],
): readonly ChartPanel[] {
  return metrics.flatMap((metric): ChartPanel[] => {
    const lines = methods.flatMap((name) => {
      const curve = meanCurve(rows, name, metric)
      return curve ? [{ name, x: curve.x, y: curve.y }] : []
    })
    return lines.length > 0
      ? [{ title: findMetric(metric).title, x: 'share of the places', y: 'mean score', lines }]
      : []
  })
}
