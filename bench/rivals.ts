/** PyTorch, pytorch-grad-cam and Captum in a process beside this one (`scripts/rivals.py`), which runs one thing at a time when it is told to. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Timed } from './measure.js'

/** The Python that has them; rivals are left out where it is not set. */
export const PYTHON = process.env.ONNXPLAIN_PYTHON

/** What takes so long that it is run once. */
const SLOW: ReadonlySet<string> = new Set(['pytorch-grad-cam score-cam', 'pytorch-grad-cam ablation-cam'])

export class Rivals {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: Interface
  readonly #answers: AsyncIterator<string>
  /** By what they are called in `scripts/rivals.py`. */
  readonly timed: Timed[] = []
  readonly slow: string[] = []
  /** Of torch; threads. */
  versions: Readonly<Record<string, string | number>> = {}

  private constructor(python: string, folder: string) {
    const script = fileURLToPath(new URL('../scripts/rivals.py', import.meta.url))
    this.#process = spawn(python, [script, 'serve', folder])
    this.#lines = createInterface(this.#process.stdout)
    this.#answers = this.#lines[Symbol.asyncIterator]()
  }

  /** `folder` holds an exported network, or is `shipped`. Undefined where `ONNXPLAIN_PYTHON` is not set; rejects where it does not start. */
  static async start(folder: string): Promise<Rivals | undefined> {
    if (PYTHON === undefined) return undefined
    const rivals = new Rivals(PYTHON, folder)
    const { items, versions } = JSON.parse(await rivals.#answer())
    rivals.versions = versions
    for (const item of items)
      if (SLOW.has(item)) rivals.slow.push(item)
      else rivals.timed.push({ name: item, ms: [], run: () => rivals.run(item) })
    return rivals
  }

  /** Milliseconds of one run. */
  async run(item: string): Promise<number> {
    this.#process.stdin.write(`${JSON.stringify({ run: item })}\n`)
    const { ms, error } = JSON.parse(await this.#answer())
    if (error !== undefined) throw new Error(`${item}: ${error}`)
    return ms
  }

  async stop(): Promise<void> {
    this.#process.stdin.end()
    await once(this.#process, 'close')
  }

  async #answer(): Promise<string> {
    const { value, done } = await this.#answers.next()
    if (done)
      throw new Error(
        `scripts/rivals.py ended: ${String(this.#process.stderr.read() ?? '')
          .trim()
          .slice(-300)}`,
      )
    return value
  }
}
