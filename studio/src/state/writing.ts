/** Keeps the caption true to the picture: what the model writes about it, or a text of one's own. */
import { effect, signal, untracked } from '@preact/signals'
import type { CaptionTarget, WebModel } from 'onnxplain/web'
import { Latest } from './latest.js'
import { isAborted, type Problem, problemOf } from './problem.js'
import type { Studio, Subject, WrittenText, WrittenWord } from './studio.js'

/** What is written about. */
interface Wish {
  readonly view: WebModel
  readonly subject: Subject
  /** undefined: the model writes. */
  readonly own: string | undefined
}

export class Writing {
  readonly #studio: Studio
  readonly #latest = new Latest()
  readonly problem = signal<Problem | undefined>(undefined)
  /** The beginning of a text that is being written. */
  readonly begun = signal('')

  constructor(studio: Studio) {
    this.#studio = studio
  }

  /** Follows the studio until the returned function is called. */
  follow(): () => void {
    return effect(() => {
      const s = this.#studio
      const [view, subject, own] = [s.view.value, s.subject.value, s.ownCaption.value]
      // what else the model takes goes with its text
      s.inputs.value
      const isReady = view && subject && view.texts.caption.length > 0
      untracked(() => {
        if (isReady) void this.#write({ view, subject, own })
        else this.#giveUp()
      })
    })
  }

  /** Writes once more, where that was stopped. */
  again(): void {
    const { view, subject, ownCaption } = this.#studio
    if (view.value && subject.value)
      void this.#write({ view: view.value, subject: subject.value, own: ownCaption.value })
  }

  readonly cancel = (): void => {
    const { working } = this.#studio
    this.#latest.abort()
    if (working.peek()?.cancel === this.cancel) working.value = undefined
  }

  #giveUp(): void {
    this.cancel()
    this.#studio.written.value = undefined
  }

  async #write(wish: Wish): Promise<void> {
    const s = this.#studio
    const before = s.written.peek()
    if (before?.view !== wish.view || before.subject !== wish.subject) s.written.value = undefined
    this.problem.value = undefined
    this.begun.value = ''
    try {
      await this.#latest.run(async (signal) => {
        const written = await this.#textOf(wish, signal)
        if (signal.aborted) return
        this.#end()
        s.written.value = written
      })
    } catch (error) {
      if (isAborted(error)) return
      this.#end()
      this.problem.value = problemOf('There is no text to explain', error)
    }
  }

  #end(): void {
    const { working } = this.#studio
    if (working.peek()?.cancel === this.cancel) working.value = undefined
  }

  async #textOf({ view, subject, own }: Wish, signal: AbortSignal): Promise<WrittenText> {
    const s = this.#studio
    const { cancel } = this
    const tell = (done: number, total: number | undefined): void => {
      s.working.value = {
        label: own === undefined ? 'Writing a caption' : 'Reading the text',
        done,
        total,
        unit: 'words',
        cancel,
      }
    }
    tell(0, undefined)
    const { text, targets, inputIds } = await view.caption(subject.picture, {
      inputs: s.inputs.peek(),
      ...(own === undefined ? {} : { caption: own }),
      signal,
      onProgress: ({ done, total, text: begun }) => {
        if (signal.aborted) return
        this.begun.value = begun
        tell(done, total)
      },
    })
    return { view, subject, text, caption: inputIds, words: targets.map(wordOf), isOwn: own !== undefined }
  }
}

function wordOf({ text, target: { positions }, logProbability }: CaptionTarget): WrittenWord {
  const [first = 0] = positions
  return { text, first, last: positions.at(-1) ?? first, probability: Math.exp(logProbability) }
}
