/** `onnxplain studio [MODEL]` */
import { type Command, InvalidArgumentError } from 'commander'
import { serveStudio } from '../node/studio.js'

/** A port that may be asked for. */
function port(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > 65_535)
    throw new InvalidArgumentError('A port from 1 to 65535 is wanted.')
  return value
}

export function studioCommand(program: Command): void {
  program
    .command('studio')
    .description(
      'serves the studio, in which pictures are explained in a browser, to this machine alone, until it is stopped',
    )
    .argument('[model]', 'a .onnx file, or a folder in the Hugging Face layout (default: the shipped model)')
    .option('--port <n>', 'port to serve at (default: any that is free)', port)
    .action(async (model: string | undefined, options: { readonly port?: number }) => {
      const studio = await serveStudio({ model, port: options.port })
      const stopped = stopSignal()
      process.stdout.write(`${studio.address}\n`)
      await stopped
      await studio.close()
    })
}

/** Until the process is asked to end; asked again, it ends at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
