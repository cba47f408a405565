#!/usr/bin/env node
/** The command `onnxplain`: arguments in, results on standard output, everything else on standard error. */
import { Command, CommanderError } from 'commander'
import { ExplainError } from '../core/errors.js'
import { VERSION } from '../explain/index.js'
import { askCommand } from './ask.js'
import { captionCommand } from './caption.js'
import { checkCommand } from './check.js'
import { compareCommand } from './compare.js'
import { compileCommand } from './compile.js'
import { detectCommand } from './detect.js'
import { explainCommand } from './explain.js'
import { inspectCommand } from './inspect.js'
import { methodsCommand } from './methods.js'
import { segmentCommand } from './segment.js'
import { similarCommand } from './similar.js'
import { studioCommand } from './studio.js'

/** What a user got wrong in the command itself, rather than in a file. */
const USAGE = new Set(['bad-option', 'unknown-method', 'unknown-colormap'])

async function main(): Promise<number> {
  const program = new Command('onnxplain')
  program
    .description('Shows what a vision network looked at: Grad-CAM and its family for any ONNX model.')
    .version(VERSION)
    .enablePositionalOptions()
    .showHelpAfterError('("onnxplain --help" lists the options)')
    .configureOutput({ outputError: (text, write) => write(text) })
  explainCommand(program)
  for (const add of [
    captionCommand,
    askCommand,
    detectCommand,
    segmentCommand,
    checkCommand,
    compareCommand,
    similarCommand,
    inspectCommand,
    compileCommand,
    methodsCommand,
    studioCommand,
  ])
    add(program)
  for (const command of [program, ...program.commands]) command.exitOverride()
  try {
    await program.parseAsync()
    return 0
  } catch (error) {
    // commander has said what is wrong by itself; help and version are no errors
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof ExplainError) {
      process.stderr.write(`onnxplain: ${error.message} [${error.code}]\n`)
      return USAGE.has(error.code) ? 2 : 1
    }
    process.stderr.write(unexpected(error))
    return 1
  }
}

/** One line, for there is nothing that a user could do; the stack for those who can. */
function unexpected(error: unknown): string {
  const [what = ''] = String(error).split('\n')
  const { ONNXPLAIN_DEBUG: debug } = process.env
  const stack = debug && error instanceof Error ? `${error.stack ?? ''}\n` : ''
  return `onnxplain: unexpected error: ${what}. This is a fault of onnxplain; please report it (ONNXPLAIN_DEBUG=1 shows where)\n${stack}`
}

// whoever reads may stop reading, as "| head" does
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  process.stderr.write(`onnxplain: standard output cannot be written: ${error.message}\n`)
  process.exitCode = 1
})
// no process.exit: it would abort a run of ONNX Runtime that is still going
const code = await main()
if (code > 0) process.exitCode = code
