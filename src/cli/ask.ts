/** `onnxplain ask PICTURE QUESTION`: the answers, and what each rests on: places of the picture, and words of the question. */
import type { Command } from 'commander'
import { ExplainError } from '../core/errors.js'
import { type ExplanationSet, QUESTION_METHODS, type QuestionMethod, questionWords } from '../explain/index.js'
import { answersFigure, type WeighedQuestion } from '../figures/index.js'
import { SHIPPED_ANSWERER } from '../node/resolve.js'
import { positive } from './arguments.js'
import { answersTable, layersText } from './print.js'
import { type Asked, addTextsOptions, runTexts, type TextsOptions, type Told } from './texts.js'

const BEST_ANSWERS = 5

interface Options extends TextsOptions {
  readonly top?: number
  readonly occludeWords?: boolean
}

export function askCommand(program: Command): void {
  const command = program
    .command('ask')
    .description(
      'answers a question about a picture, and draws what the answer rests on: places, and words of the question',
    )
    .argument('<picture>', 'a JPEG, PNG, WebP, AVIF, TIFF or GIF file')
    .argument('<question>', 'what is asked: "what color is the circle?"')
    .option('--top <n>', 'explain so many of the best answers (default: 1)', positive)
    .option('--occlude-words', 'weigh the words of the question by leaving each out, too')
  addTextsOptions(command, 'answer to explain, besides; repeats (default: the best answer)')
  command.action(async (picture: string, question: string, options: Options) =>
    runTexts(
      command,
      [picture],
      { ...options, question },
      {
        kind: 'answer',
        shipped: SHIPPED_ANSWERER,
        tell: (asked) => tell(asked, question, options),
      },
    ),
  )
}

async function tell(
  asked: Asked,
  question: string,
  { top = 1, target = [], score, occludeWords }: Options,
): Promise<Told> {
  const { model, image, inputs, warn } = asked
  if (model.model.answer.kind === 'words')
    throw new ExplainError('method-not-applicable', {
      what: 'This model writes its answers word after word',
      remedy: `Let it write: onnxplain caption PICTURE --question ${JSON.stringify(question)}.`,
    })
  const best = await model.classify(image, { inputs, top })
  const set = await asked.explain({ target: [...best.map((a) => a.index), ...target] })
  const targets = [...new Map(set.explanations.map((e) => [e.answer.key, e.target])).values()]
  const weighed: WeighedQuestion[] = []
  for (const by of ['gradient', ...(occludeWords ? ['leaving-out'] : [])] as QuestionMethod[]) {
    try {
      const words = await questionWords(model.model, image, { inputs, target: targets, score, by })
      weighed.push({ label: QUESTION_METHODS[by], words })
    } catch (error) {
      // the answer's maps are there all the same
      if (!(error instanceof ExplainError)) throw error
      warn(error.message)
    }
  }
  return {
    set,
    text: `  ${question}\n${answersTable(set, BEST_ANSWERS)}${weighed.map((w) => wordsText(w, set)).join('')}${layersText(set)}`,
    json: { question, words: weighed },
    figure: (background, columns, footer) =>
      answersFigure(background, set, columns, weighed, { footer, caption: CAPTION }),
  }
}

const CAPTION =
  'The numbers below the words of the question are what each is worth to the answer: above 0 (red) it speaks for it, below (blue) against. Every map, and every line of words, has a scale of its own.'

/** A line for each answer. */
function wordsText({ label, words }: WeighedQuestion, { explanations }: ExplanationSet): string {
  return words
    .map(({ key, words: own }) => {
      const name = explanations.find((e) => e.answer.key === key)?.answer.label ?? ''
      const worth = own.map(({ text, importance }) => `${text} ${importance.toFixed(2)}`).join(', ')
      return `  words of ${name}, ${label}: ${worth}\n`
    })
    .join('')
}
