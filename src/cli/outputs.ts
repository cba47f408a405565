/** Where the figures of pictures go. */
import { basename, dirname, extname, join } from 'node:path'
import type { Command } from 'commander'
import { ExplainError } from '../core/errors.js'
import { refuseFormat } from '../node/draw.js'
import { isFolder, placeOf, refuseOverwriting, refuseUnwritable } from '../node/files.js'
import { filesRead, type ModelOptions } from './model-options.js'

export interface OutputOptions {
  /** A file, or a folder. Default: beside the picture. */
  readonly output?: string | undefined
  /** No figure unless a place is named. */
  readonly none?: boolean | undefined
}

/** Refuses a figure of several pictures, of a format that is not written, and in the place of what is read. */
export async function refuseOneOutput(
  command: Command,
  pictures: readonly string[],
  options: ModelOptions & { readonly output?: string | undefined },
): Promise<void> {
  const { output } = options
  if (output === undefined) return
  if (pictures.length > 1) command.error('error: --output is for one picture', { exitCode: 2 })
  await refuseOutput(output, filesRead(pictures, options))
}

/** Throws where a figure cannot be written, or would take the place of what is read. */
export async function refuseOutput(output: string, read: readonly string[]): Promise<void> {
  refuseFormat(output)
  await refuseOverwriting(read, [output], 'Give --output another file.')
  await refuseUnwritable(output)
}

/** What says in a figure's name what it is: `cat.onnxplain.png`. */
export type FigureKind = 'onnxplain' | 'caption' | 'answer' | 'similar'

/** The figure of each picture that has one. Throws `bad-option` where two would be one file, or the format is none that can be written. */
export async function outputsOf(
  inputs: readonly string[],
  kind: FigureKind,
  options: OutputOptions,
): Promise<ReadonlyMap<string, string>> {
  const outputs = new Map<string, string>()
  for (const input of inputs) {
    const path = await outputPath(input, kind, options)
    if (path !== undefined) outputs.set(input, path)
  }
  await refuseOneName(outputs, kind)
  return outputs
}

async function refuseOneName(outputs: ReadonlyMap<string, string>, kind: FigureKind): Promise<void> {
  const owners = new Map<string, string>()
  for (const [input, path] of outputs) {
    const place = await placeOf(path)
    const other = owners.get(place)
    if (other !== undefined && figureName(other, kind) === figureName(input, kind))
      throw new ExplainError('bad-option', {
        what: `The figures of "${other}" and "${input}" have the same name, "${path}"`,
        remedy: 'Explain one at a time, and give each an --output of its own.',
      })
    owners.set(place, input)
  }
}

function figureName(input: string, kind: FigureKind): string {
  return `${basename(input, extname(input))}.${kind}.png`
}

/** Where the figure of a picture goes if no place is named: beside it. */
export function besideOf(input: string, kind: FigureKind): string {
  return join(dirname(input), figureName(input, kind))
}

async function outputPath(
  input: string,
  kind: FigureKind,
  { output, none }: OutputOptions,
): Promise<string | undefined> {
  const name = figureName(input, kind)
  if (output === undefined) return none ? undefined : besideOf(input, kind)
  const path = (await isFolder(output)) ? join(output, name) : output
  refuseFormat(path)
  return path
}
