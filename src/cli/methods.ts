/** `onnxplain methods` */
import type { Command } from 'commander'
import { METHODS } from '../methods/index.js'
import { methodsText } from './print.js'

export function methodsCommand(program: Command): void {
  program
    .command('methods')
    .description('the methods: id, family, kind, cost in runs, source')
    .option('--json', 'print JSON')
    .action((options: { readonly json?: boolean }) => {
      const plain = METHODS.map(({ id, title, family, kind, cost, summary, source }) => ({
        id,
        title,
        family,
        kind,
        cost,
        summary,
        source,
      }))
      process.stdout.write(options.json ? `${JSON.stringify(plain)}\n` : methodsText(METHODS))
    })
}
