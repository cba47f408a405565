/** Where the figures of pictures go. */
import { basename, dirname, extname, join } from 'node:path'
import { ExplainError } from '../core/errors.js'
import { refuseFormat } from '../node/draw.js'
import { isFolder, placeOf } from '../node/files.js'

export interface OutputOptions {
  /** A file, or a folder. Default: beside the picture. */
  readonly output?: string | undefined
  /** No figure unless a place is named. */
  readonly none?: boolean | undefined
}

/** What says in a figure's name what it is: `cat.onnxplain.png`. */
export type FigureKind = 'onnxplain' | 'caption' | 'answer'

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

async function outputPath(
  input: string,
  kind: FigureKind,
  { output, none }: OutputOptions,
): Promise<string | undefined> {
  const name = figureName(input, kind)
  if (output === undefined) return none ? undefined : join(dirname(input), name)
  const path = (await isFolder(output)) ? join(output, name) : output
  refuseFormat(path)
  return path
}
