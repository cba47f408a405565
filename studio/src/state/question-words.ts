/** How much each word of the question speaks for the answer that is shown: its embedding times the gradient by it. */
import type { QuestionWords, WebModel } from 'onnxplain/web'
import type { Given, Studio, Subject } from './studio.js'
import { givenTarget, type Wanted } from './wanted.js'
import { WhenIdle } from './when-idle.js'

interface WordsQuestion {
  readonly view: WebModel
  readonly subject: Subject
  readonly target: Wanted
  readonly given: Given
}

export type WeighedWords = WhenIdle<WordsQuestion, QuestionWords['words']>

export function weighedWords(studio: Studio): WeighedWords {
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
      return { view, subject: shown.subject, target: shown.wanted, given }
    },
    ask: async ({ view, subject, target, given }, signal) => {
      const [found] = await view.questionWords(subject.picture, { ...given, target: givenTarget(target), signal })
      return found?.words ?? []
    },
  })
}
