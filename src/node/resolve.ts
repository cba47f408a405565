/** From what a user names to a model's files on the disk, and from these to its parts. */
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ExplainError } from '../core/errors.js'
import {
  assembleModel,
  ENTRIES,
  encoderDecoder,
  type ModelFiles,
  type ModelParts,
  parseLabels,
  towers,
} from '../explain/index.js'
import { isFile, isFolder, readBytes, readIfThere } from './files.js'

/** The folder of the model that comes with the package. */
export const SHIPPED = shipped('efficientnet-lite0')
/** Those of the models of drawn shapes that come with it: one writes captions, one answers questions. */
export const SHIPPED_CAPTIONER = shipped('shapes-captioner')
export const SHIPPED_ANSWERER = shipped('shapes-vqa')

function shipped(name: string): string {
  return fileURLToPath(new URL(`../../models/${name}`, import.meta.url))
}

export interface ResolvedModel extends ModelParts {
  /** The .onnx that stands for the whole model: its only one, or the decoder. */
  readonly entry: string
  /** The .onnx, or an encoder's and a decoder's, or two towers', and their external data. */
  readonly files: readonly string[]
  /** The .json files that were read, where there are any. */
  readonly companions: readonly string[]
}

/**
 * Finds a model: a .onnx file, a folder in the Hugging Face layout (`onnx/model.onnx` or `model.onnx`, or
 * `encoder_model.onnx` with its decoder, or `vision_model.onnx` with `text_model.onnx`; `config.json`, `preprocessor_config.json`, `tokenizer.json` and others), or, given nothing, the shipped
 * one. For a file the .json are looked for beside it, and in the folder above where it lies in `onnx/`. An encoder's file is a model by itself; a
 * decoder's is joined with the encoder beside it. Rejects with `cannot-read`, `invalid-model`, `external-data-missing`, `bad-option`.
 */
export async function resolveModel(path: string = SHIPPED): Promise<ResolvedModel> {
  const named = !(await isFolder(path))
  const file = named ? path : await modelInFolder(path)
  const bytes = await readBytes(file, 'The model')
  const folder = dirname(resolve(file))
  const base = basename(folder) === 'onnx' ? dirname(folder) : folder
  const entry = relative(base, resolve(file)).split(sep).join('/')
  const place = (name: string): string => join(base, ...name.split('/'))
  const files: ModelFiles = {
    read: (name) => readIfThere(place(name), 'The file'),
    name: (name) => (name === entry ? file : place(name)),
  }
  const alone = named && encoderDecoder(entry)?.encoder === entry
  const { models, external, companions, ...parts } = await assembleModel(entry, bytes, files, { alone })
  const isShipped = [SHIPPED, SHIPPED_CAPTIONER, SHIPPED_ANSWERER].includes(path)
  const name = `${basename(resolve(path))}${isShipped ? ' (shipped)' : ''}`
  // the texts' tower is read when it is asked for
  const text = towers(entry)?.text
  const later: string[] = []
  for (const path of text === undefined ? [] : [text, `${text}_data`, `${text}.data`])
    if (await isFile(place(path))) later.push(place(path))
  return {
    name,
    entry: files.name(models.at(-1) ?? entry),
    files: [...models.map(files.name), ...external.map(place), ...later],
    companions: companions.map(place),
    ...parts,
  }
}

async function modelInFolder(folder: string): Promise<string> {
  for (const place of ENTRIES) if (await isFile(join(folder, place))) return join(folder, place)
  throw new ExplainError('cannot-read', {
    what: `The folder "${folder}" holds no model: neither ${ENTRIES.slice(0, -1).join(', ')} nor ${ENTRIES.at(-1)}`,
    remedy: 'Name the .onnx file itself.',
  })
}

/** Labels from a file; see {@link parseLabels}. */
export async function readLabels(path: string): Promise<readonly string[]> {
  return parseLabels(await readBytes(path, 'The labels file'), path)
}
