/** `onnxplain PICTURE...`: the best answers and the comparison figure, or chosen methods. */
import { basename, dirname, extname, join } from 'node:path'
import type { Command } from 'commander'
import { distance } from 'fastest-levenshtein'
import type { Tensor } from '../core/tensor.js'
import {
  distinctAnswers,
  type ExplanationSet,
  FUSIONS,
  type GivenInputs,
  LIBRARIES,
  resultJson,
} from '../explain/index.js'
import { backgroundOf, figureColumns, figureFooter, figureOf } from '../figures/index.js'
import type { Picture } from '../image/index.js'
import { findMethod, METHODS } from '../methods/index.js'
import type { Method } from '../methods/method.js'
import { drawFigure } from '../node/draw.js'
import { isFile, isFolder, readBytes, refuseOverwriting, refuseUnwritable, writeWhole } from '../node/files.js'
import { type NodeModel, readImage } from '../node/open.js'
import { decodeNpy, encodeNpy } from '../onnx/npy.js'
import { COLORMAP_NAMES, type ColormapName, parseColormap } from '../render/index.js'
import { type GivenTarget, TARGET_KINDS } from '../targets/index.js'
import { addMethodOptions, collect, collectTargets, givenMethodOptions } from './arguments.js'
import { explained } from './explained.js'
import {
  addModelOptions,
  addTextOptions,
  checkModelOptions,
  filesRead,
  type ModelOptions,
  openModel,
  warner,
} from './model-options.js'
import { outputsOf } from './outputs.js'
import { eachPicture } from './pictures.js'
import { answersText, warnOf } from './print.js'

/** The columns of the figure that made Grad-CAM famous. */
const FIGURE = ['guided-backpropagation', 'grad-cam', 'guided-grad-cam', 'occlusion', 'cam']
const BEST_ANSWERS = 5

interface Options extends ModelOptions {
  readonly target?: readonly GivenTarget[]
  readonly method?: readonly string[]
  readonly smooth?: string
  readonly fuse?: string
  readonly like?: string
  readonly output?: string
  readonly raw?: string
  readonly tensor?: string
  readonly json?: boolean
  readonly explain?: readonly string[]
  readonly colormap?: string
  readonly opacity?: number
  readonly signed?: boolean
}

export function explainCommand(program: Command): void {
  program
    .argument('[pictures...]', 'JPEG, PNG, WebP, AVIF, TIFF or GIF files')
    .option(
      '-t, --target <label|index|kind:...>',
      `what to explain: a class, or ${TARGET_KINDS.map((d) => d.syntax).join(', ')}, or JSON; repeats (default: the best answer, and the best that rests on another part of the picture)`,
      collectTargets,
    )
    .option(
      '--method <id>',
      `method to use; repeats (default: the comparison figure): ${METHODS.map((m) => m.id).join(', ')}`,
      collect,
    )
    .option('--fuse <how>', `makes the maps of several layers one: ${Object.keys(FUSIONS).join(', ')}`)
    .option(
      '--smooth <kind>',
      'mean of the maps of changed copies: flip (mirrored), augment (mirrored, darker, brighter), noise (25 noisy copies)',
    )
    .option('--like <library>', `draws CAM methods as another library does: ${LIBRARIES.map((l) => l.id).join(', ')}`)
    .option(
      '-o, --output <file>',
      'figure to write: .png, .svg, .jpg or .webp; or a folder (default: beside the picture)',
    )
    .option('--raw <file.npy>', 'write the raw signed map, float32: for one method and one target')
    .option(
      '--tensor <file.npy>',
      'an already preprocessed input, [C,H,W] or [1,C,H,W] (volumes and clips: [C,D,H,W]), instead of a picture',
    )
    .option(
      '--explain <input>',
      'input that gradients are taken of, by its name, or "all" of floats; repeats (default: the picture)',
      collect,
    )
    .option('--json', 'print the whole result as JSON, one line a picture; no figure unless --output is given')
    .option('--colormap <name>', COLORMAP_NAMES.join(', '))
    .option('--opacity <0..1>', 'how much of the map covers the picture', Number)
    .option('--signed', 'draw evidence against the class too')
  addModelOptions(program)
  addTextOptions(program)
  addMethodOptions(program)
  program.action(async (pictures: readonly string[], options: Options) => run(program, pictures, options))
}

/** One command's work, settled before the first picture. */
interface Work {
  readonly model: NodeModel
  readonly methods: readonly Method[]
  readonly options: Options
  readonly given: Readonly<Record<string, string>>
  readonly inputs: GivenInputs
  readonly colormap: ColormapName | undefined
  readonly warn: (line: string) => void
}

async function run(program: Command, pictures: readonly string[], options: Options): Promise<void> {
  checkUsage(program, pictures, options)
  await refuseMistypedCommand(program, pictures)
  // the figure's other methods are at no layer
  const methods = (options.method ?? (options.like || options.fuse ? ['grad-cam'] : FIGURE)).map(findMethod)
  const warn = warner(options)
  const inputs = options.tensor === undefined ? pictures : [options.tensor]
  const none = options.json || options.raw !== undefined
  const outputs = await outputsOf(inputs, 'onnxplain', { output: options.output, none })
  const written = [...outputs.values(), ...(options.raw === undefined ? [] : [options.raw])]
  await refuseOverwriting(
    filesRead(inputs, options),
    written,
    'Give --output another file, or a folder where several pictures are given.',
  )
  for (const path of written) await refuseUnwritable(path)
  const colormap = options.colormap === undefined ? undefined : parseColormap(options.colormap)
  const { model: opened, inputs: others } = await openModel(options, warn)
  await using model = opened
  const work: Work = { model, methods, options, given: givenMethodOptions(program), inputs: others, colormap, warn }
  await eachPicture(inputs, {
    read: async (input) =>
      options.tensor === undefined ? readImage(input) : decodeNpy(await readBytes(input, 'The tensor'), input),
    work: async (image, input) => {
      const set = await explain(work, image)
      return () => show(work, set, { image, input, output: outputs.get(input) })
    },
  })
}

/** What is shown of one picture. */
interface Shown {
  readonly image: Picture | Tensor<'float32'>
  readonly input: string
  readonly output: string | undefined
}

/** Draws, writes and prints. */
async function show(work: Work, set: ExplanationSet, { image, input, output }: Shown): Promise<void> {
  const { model, options, warn } = work
  const figures = output === undefined ? [] : await draw(work, set, 'dims' in image ? undefined : image, output)
  // nothing is written before all that can fail has been done
  const [first] = set.explanations
  if (options.raw !== undefined && first) await writeWhole(options.raw, encodeNpy(first.raw))
  for (const { path, bytes } of figures) await writeWhole(path, bytes)
  const [figure] = figures.map((f) => f.path)
  process.stdout.write(
    options.json
      ? `${resultJson(input, set, figure)}\n`
      : answersText(input, set, BEST_ANSWERS, { figures: figures.map((f) => f.path), raw: options.raw }),
  )
  warnOf(set, model.model.notes, warn)
}

/** The figure of the picture, and one for each other input that is drawn, named after it. */
async function draw(
  work: Work,
  set: ExplanationSet,
  picture: Picture | undefined,
  output: string,
): Promise<readonly { readonly path: string; readonly bytes: Uint8Array }[]> {
  const { model, methods, options, colormap, warn } = work
  const footer = figureFooter(set, model.model.name)
  const drawing = { colormap, opacity: options.opacity, signed: options.signed, footer }
  const inputs = [...new Set(set.explanations.map((e) => e.input))]
  const figures: { path: string; bytes: Uint8Array }[] = []
  for (const input of inputs) {
    const own = input === model.model.input.name
    const explanations = set.explanations.filter((e) => e.input === input)
    const [first] = explanations
    if (!first?.drawable) {
      warn(`The map of the input "${input}" lies on no picture, and is not drawn: --raw or --json gives it.`)
      continue
    }
    const background = backgroundOf(first, own ? picture : undefined, own ? model.model.preprocessing : undefined)
    const shown = own ? methods : methods.filter((m) => explanations.some((e) => e.method.id === m.id))
    const spec = figureOf(background, { ...set, explanations }, figureColumns(shown, { ...set, explanations }), drawing)
    const path = own ? output : besides(output, input)
    figures.push({ path, bytes: await drawFigure(spec, path) })
  }
  return figures
}

/** `cat.png` and the input `mask` to `cat.mask.png`. */
function besides(path: string, input: string): string {
  const ending = extname(path)
  return join(dirname(path), `${basename(path, ending)}.${input.replaceAll(/[^\w.-]+/g, '_')}${ending}`)
}

/** Where no such picture is there, a word that is almost a command was meant to be one. */
async function refuseMistypedCommand(program: Command, [word = '']: readonly string[]): Promise<void> {
  if (!/^[a-z]+$/i.test(word) || (await isFile(word)) || (await isFolder(word))) return
  const meant = program.commands.map((c) => c.name()).find((name) => distance(word.toLowerCase(), name) <= 2)
  if (meant !== undefined)
    program.error(`error: there is no picture "${word}". Did you mean the command "${meant}"?`, { exitCode: 2 })
}

function checkUsage(program: Command, pictures: readonly string[], options: Options): void {
  const usage = (what: string): never => program.error(`error: ${what}`, { exitCode: 2 })
  if (options.tensor === undefined && pictures.length === 0) usage('no picture given')
  if (options.tensor !== undefined && pictures.length > 0) usage('give a picture or --tensor, not both')
  if (
    options.raw !== undefined &&
    (options.method?.length !== 1 ||
      (options.target?.length ?? 1) !== 1 ||
      (options.explain?.length ?? 1) !== 1 ||
      ((options.layer?.length ?? 1) !== 1 && options.fuse === undefined) ||
      options.explain?.[0] === 'all' ||
      pictures.length > 1)
  )
    usage('--raw needs one --method, at most one --target, one --explain and one --layer (or --fuse), and one picture')
  checkModelOptions(program, options)
  if (options.opacity !== undefined && !(options.opacity >= 0 && options.opacity <= 1))
    usage('--opacity goes from 0 to 1')
}

async function explain(work: Work, image: Picture | Tensor<'float32'>): Promise<ExplanationSet> {
  const { model, methods, options, given, inputs } = work
  const target = options.target ?? (await defaultTargets(work, image))
  const { smooth, fuse, like, explain: wrt } = options
  return explained(model, image, options, {
    method: methods.map((m) => m.id),
    ...(target === undefined ? {} : { target }),
    ...{ smooth, fuse, like, inputs, wrt, options: given },
  })
}

/** The best answer, and for the figure the best one that rests on another part of the picture. */
async function defaultTargets(
  { model, options, inputs }: Work,
  image: Picture | Tensor<'float32'>,
): Promise<readonly number[] | undefined> {
  if (model.model.answer.kind !== 'classes') return undefined
  const answers =
    options.raw === undefined
      ? await distinctAnswers(model.model, image, { inputs, layer: options.layer, grid: options.grid })
      : await model.classify(image, { top: 1, inputs })
  return answers.map((a) => a.index)
}
