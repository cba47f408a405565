// A process that runs the command again and again: `node host.mjs MAIN`. Each time the built main.js is evaluated anew, with the arguments and in the
// folder that a message names. What it writes goes where it goes; then a line on both outputs says that it is done, and its exit code.
import { pathToFileURL } from 'node:url'

const [, , main] = process.argv
const home = process.cwd()
// every main.js listens for a reader that goes away
process.stdout.setMaxListeners(0)

let count = 0
let last = Promise.resolve()
process.on('message', ({ folder, args, end }) => {
  last = last.then(async () => {
    process.chdir(folder)
    process.argv = [process.execPath, main, ...args]
    process.exitCode = undefined
    await import(`${pathToFileURL(main).href}?${count++}`)
    const code = process.exitCode ?? 0
    process.exitCode = undefined
    process.chdir(home)
    for (const stream of [process.stdout, process.stderr]) stream.write(`${end}${code}\n`)
  })
})
