/** Options that say which model is opened and how pictures are made its input: the same for every command that takes pictures. */
import type { Command } from 'commander'
import { type GivenInputs, type TextOptions, textFeeds } from '../explain/index.js'
import { FITS, type Fit } from '../image/index.js'
import { type NodeModel, open } from '../node/open.js'
import { readLabels } from '../node/resolve.js'
import { SCORES, type Score } from '../targets/target.js'
import { checkScore, collect, GRID, numbers, positive, size } from './arguments.js'
import { readInputs } from './inputs.js'

export interface ModelOptions extends TextOptions {
  readonly caption?: string
  readonly model?: string
  readonly layer?: readonly string[]
  readonly grid?: string
  readonly answer?: string
  readonly score?: Score
  readonly labels?: string
  readonly mean?: readonly number[]
  readonly std?: readonly number[]
  readonly size?: { readonly height: number; readonly width: number }
  readonly input?: readonly string[]
  readonly pictureInput?: string
  readonly fit?: Fit
  readonly channels?: 'RGB' | 'BGR'
  readonly batch?: number
  readonly quiet?: boolean
}

export function addModelOptions(command: Command): void {
  command
    .option('-m, --model <path>', 'a .onnx file, or a folder in the Hugging Face layout (default: the shipped model)')
    .option(
      '-l, --layer <value>',
      'layer for CAM methods, by its value name as Netron shows it; repeats (default: the last feature map)',
      collect,
    )
    .option('--grid <RxC[+N]>', GRID)
    .option('--answer <output>', 'output that holds the answer, where the model has several')
    .option('--score <kind>', `what is explained of a class: ${SCORES.join(', ')} (default: logit)`)
    .option(
      '--input <name=value>',
      'what another input of the model is given: a number, numbers separated by commas, JSON, or a .npy file; repeats',
      collect,
    )
    .option('--picture-input <name>', 'input that takes the picture, where several could')
    .option('--quiet', 'say nothing on standard error but errors')
    .option('--labels <file>', 'class names: one a line, or JSON (default: config.json beside the model)')
    .option('--mean <r,g,b>', 'mean of the preprocessing, after division by 255', numbers)
    .option('--std <r,g,b>', 'standard deviation of the preprocessing, after division by 255', numbers)
    .option(
      '--size <px|HxW>',
      'size of the model input (its side, or height x width), for models that take any size',
      size,
    )
    .option(
      '--fit <how>',
      'crop: the centre of the picture; stretch: all of it, squeezed; letterbox: all of it, grey around',
    )
    .option('--channels <order>', 'RGB or BGR')
    .option('--batch <n>', 'pictures a run, for methods of many runs (default: 16)', positive)
}

/** For models that take texts. */
export function addTextOptions(command: Command): void {
  command
    .option('--question <text>', 'what the model is asked, for models that are given a question')
    .option('--caption <text>', 'the text whose words are explained, for models that write one')
}

/** Ends with a usage error where an option has none of its words. */
export function checkModelOptions(command: Command, { score, fit, channels }: ModelOptions): void {
  const usage = (what: string): never => command.error(`error: ${what}`, { exitCode: 2 })
  checkScore(command, score)
  if (fit !== undefined && !FITS.includes(fit)) usage('--fit is crop, stretch or letterbox')
  if (channels !== undefined && channels !== 'RGB' && channels !== 'BGR') usage('--channels is RGB or BGR')
}

/** The layer of commands that take one; ends with a usage error for several. */
export function oneLayer(command: Command, { layer = [] }: ModelOptions): string | undefined {
  if (layer.length > 1) command.error('error: --layer is given once here', { exitCode: 2 })
  return layer[0]
}

/** Arrays among the values of `--input`. */
function inputFiles({ input = [] }: ModelOptions): readonly string[] {
  return input.map((text) => text.slice(text.indexOf('=') + 1)).filter((v) => v.endsWith('.npy'))
}

/** All files that are read: pictures or arrays, the model, its labels, inputs. */
export function filesRead(pictures: readonly string[], options: ModelOptions): readonly string[] {
  const named = [options.model, options.labels].filter((path) => path !== undefined)
  return [...pictures, ...inputFiles(options), ...named]
}

export interface OpenedModel {
  readonly model: NodeModel
  /** Those of `--input`, and the words of `--question` and `--caption`. */
  readonly inputs: GivenInputs
}

export async function openModel(options: ModelOptions, warn: (line: string) => void): Promise<OpenedModel> {
  const { mean, std, size, fit, channels, answer, pictureInput } = options
  const inputs = await readInputs(options.input)
  const labels = options.labels === undefined ? {} : { labels: await readLabels(options.labels) }
  const model = await open(options.model, { mean, std, size, fit, channels, answer, pictureInput, warn, ...labels })
  const { others, text } = model.model
  return { model, inputs: { ...textFeeds(others, text, options), ...inputs } }
}

/** Says a line on standard error, unless `--quiet`. */
export function warner({ quiet }: ModelOptions): (line: string) => void {
  return (line) => {
    if (!quiet) process.stderr.write(`onnxplain: ${line}\n`)
  }
}
