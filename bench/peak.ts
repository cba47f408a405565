// Bytes of memory at the peak of a process that runs a model's forward pass, or the gradient of its input, three times: for bench/network.ts.
import { readFileSync } from 'node:fs'
import { ortRuntime } from '../src/node/ort.js'
import { prepared } from './network.js'

/** The most memory that this process had; what getrusage tells begins with the memory of the process that started this one. */
function peak(): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

const [path = '', what = 'forward'] = process.argv.slice(2)
const runtime = await ortRuntime()
const { plain, session: options, feeds, compiled } = await prepared(path, runtime)
const gradient = what === 'forward' ? undefined : compiled(what)
const session = await runtime.createSession(gradient?.file ?? plain, gradient ? options : {})
for (let i = 0; i < 3; i++) await session.run(gradient?.feeds([0]) ?? feeds)
process.stdout.write(String(peak()))
