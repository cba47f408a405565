/** How much each word of the question speaks for the answer that is shown: its embedding times the gradient by it. */
import type { TextToken, WebModel } from 'onnxplain/web'
import type { Given, Studio, Subject } from './studio.js'
import { givenTarget, type Wanted } from './wanted.js'
import { WhenIdle } from './when-idle.js'

/** The method whose map of an input of words is one number a word. */
const METHOD = 'input-x-gradient'

interface WordsQuestion {
  readonly view: WebModel
  readonly subject: Subject
  readonly target: Wanted
  readonly given: Given
  readonly words: readonly TextToken[]
}

export interface WeighedWord {
  readonly piece: string
  /** Signed, in the score's units. */
  readonly value: number
}

export type QuestionWords = WhenIdle<WordsQuestion, readonly WeighedWord[]>

export function questionWords(studio: Studio): QuestionWords {
  return new WhenIdle(studio, {
    title: 'What the words of the question are worth could not be computed',
    question: () => {
      const [view, shown, asked, given] = [
        studio.view.value,
        studio.shown.value,
        studio.asked.value,
        studio.given.value,
      ]
      if (!view || !asked || !shown || shown.partial || shown.subject !== studio.subject.value) return undefined
      return { view, subject: shown.subject, target: shown.wanted, given, words: asked.words }
    },
    ask: async ({ view, subject, target, given, words }, signal) => {
      const [wrt] = view.texts.question
      const found = await view.explain(subject.picture, {
        ...given,
        method: METHOD,
        target: givenTarget(target),
        wrt,
        signal,
      })
      return words.map(({ piece, place }) => ({ piece, value: found.raw.data[place] ?? 0 }))
    },
  })
}
