// Runs every script of package.json whose name begins with `check:`, all at once; each prints what it has to say when it ends.
import { exec } from 'node:child_process'
import { readFileSync } from 'node:fs'

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const names = Object.keys(scripts).filter((name) => name.startsWith('check:'))

function run(name) {
  return new Promise((resolve) => {
    exec(`npm run --silent ${name}`, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      process.stdout.write(`${error ? 'failed' : 'passed'}: ${name}\n${stdout}${stderr}`)
      resolve(error === null)
    })
  })
}

const passed = await Promise.all(names.map(run))
if (passed.includes(false)) process.exitCode = 1
