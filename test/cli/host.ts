/** One process for many commands: most of what a start costs is the loading of modules, which are the same each time. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { pathOf } from '../support/files.js'
import type { Ran } from './command.js'

export interface Host {
  readonly alive: boolean
  /** Runs the command in a folder, behind those that were asked for before. */
  run(folder: string, args: readonly string[]): Promise<Ran>
}

/** Starts a process that runs `main` by its arguments; it ends with this one. */
export function startHost(main: string): Host {
  const child = spawn(process.execPath, [pathOf('test/cli/host.mjs'), main], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  // it waits for more as long as there is someone who may ask; nobody waits for it
  child.unref()
  child.channel?.unref()
  const outputs = [child.stdout, child.stderr].map((stream) => new Output(stream as Socket))
  let last: Promise<unknown> = Promise.resolve()
  return {
    get alive() {
      return child.exitCode === null && child.signalCode === null
    },
    run(folder, args) {
      const ran = last.then(() => ask(child, outputs, { folder, args, end: `end of ${randomUUID()}: ` }))
      last = ran.catch(() => undefined)
      return ran
    },
  }
}

async function ask(
  child: ChildProcess,
  outputs: readonly Output[],
  message: { readonly folder: string; readonly args: readonly string[]; readonly end: string },
): Promise<Ran> {
  let ended: ((code: number | null) => void) | undefined
  const death = new Promise<never>((_, reject) => {
    ended = (code) => reject(new Error(`The process of the commands ended with ${code}: ${outputs[1]?.text ?? ''}`))
    child.once('close', ended)
  })
  child.send(message)
  try {
    const [out, err] = await Promise.race([Promise.all(outputs.map((o) => o.until(message.end))), death])
    return { code: Number(out?.rest), stdout: out?.text ?? '', stderr: err?.text ?? '' }
  } finally {
    if (ended) child.off('close', ended)
  }
}

/** What comes from one of the outputs, read up to a line that ends a command. */
class Output {
  text = ''
  private heard: () => void = () => {}

  constructor(private readonly stream: Socket) {
    stream.setEncoding('utf8')
    stream.on('data', (data: string) => {
      this.text += data
      this.heard()
    })
    stream.unref()
  }

  async until(end: string): Promise<{ readonly text: string; readonly rest: string }> {
    this.stream.ref()
    try {
      return await new Promise((resolve) => {
        this.heard = () => {
          const at = this.text.indexOf(end)
          const to = this.text.indexOf('\n', at)
          if (at < 0 || to < 0) return
          const found = { text: this.text.slice(0, at), rest: this.text.slice(at + end.length, to) }
          this.text = this.text.slice(to + 1)
          resolve(found)
        }
        this.heard()
      })
    } finally {
      this.stream.unref()
    }
  }
}
