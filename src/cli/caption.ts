/** `onnxplain caption PICTURE...`: the text that a model writes about a picture, and what each of its words rests on. */
import type { Command } from 'commander'
import { type Caption, type CaptionTarget, captionTargets } from '../explain/index.js'
import { captionFigure, probabilityText } from '../figures/index.js'
import { SHIPPED_CAPTIONER } from '../node/resolve.js'
import type { GivenTarget } from '../targets/index.js'
import { positive } from './arguments.js'
import { addTextOptions } from './model-options.js'
import { layersText, table } from './print.js'
import { type Asked, addTextsOptions, runTexts, type TextsOptions, type Told } from './texts.js'

interface Options extends TextsOptions {
  readonly beams?: number
  readonly maxLength?: number
  readonly lengthPenalty?: number
}

export function captionCommand(program: Command): void {
  const command = program
    .command('caption')
    .description('writes what a captioner says of a picture, and draws what each word rests on')
    .argument('<pictures...>', 'JPEG, PNG, WebP, AVIF, TIFF or GIF files')
    .option(
      '--beams <n>',
      "texts that are followed at the same time; 1 is greedy (default: the model's own, else 1)",
      positive,
    )
    .option(
      '--max-length <n>',
      "tokens of a text at most, what it begins with included (default: the model's own, else 20)",
      positive,
    )
    .option(
      '--length-penalty <x>',
      "power of the length by which beams are judged (default: the model's own, else 1)",
      Number,
    )
  addTextsOptions(
    command,
    'words to explain: word:circle, "word:a small circle", word:POSITION, word:* (all of it); repeats (default: every word, and all of it)',
  )
  addTextOptions(command)
  command.action(async (pictures: readonly string[], { caption, ...options }: Options) =>
    // what a given text's words are fed follows from the text, as those of a written one do
    runTexts(command, pictures, options, {
      kind: 'caption',
      shipped: SHIPPED_CAPTIONER,
      tell: (asked) => tell(asked, options, caption),
    }),
  )
}

async function tell(asked: Asked, options: Options, given: string | undefined): Promise<Told> {
  const { model, image, inputs } = asked
  const { beams, maxLength, lengthPenalty, target } = options
  const written = {
    ...(beams === undefined ? {} : { beams }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(lengthPenalty === undefined ? {} : { lengthPenalty }),
  }
  const caption = await model.caption(image, { inputs, caption: given, ...written })
  const words = model.model.text ? captionTargets(caption, model.model.text) : []
  const all: readonly GivenTarget[] = [
    ...words.map((w) => ({ ...w.target, score: options.score ?? 'logit' })),
    ...(words.length > 1 ? ['word:*'] : []),
  ]
  const set = await asked.explain({ caption: caption.inputIds, target: target ?? all })
  return {
    set,
    text: `${captionText(caption, words)}${layersText(set)}`,
    json: { caption },
    figure: (background, columns, footer) => captionFigure(background, set, columns, words, { footer }),
  }
}

function captionText({ text, logProbability }: Caption, words: readonly CaptionTarget[]): string {
  const rows = words.map((w) => [String(w.target.positions[0]), w.text, probabilityText(w.logProbability)])
  const whole = `log-probability ${logProbability.toFixed(4)} (${probabilityText(logProbability)}, its end included)`
  return `  ${text}\n  ${whole}\n${table(rows, [0])}`
}
