/** From what a user names to a model's parts: the .onnx, its external data, its labels and its preprocessing. */
import { basename, dirname, join, normalize, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ExplainError } from '../core/errors.js'
import { type PreprocessSpec, parsePreprocessorConfig } from '../image/index.js'
import { decode, externalLocations } from '../onnx/decode.js'
import type { Graph } from '../onnx/ir.js'
import { checkExternalData } from '../onnx/tensors.js'
import { isFile, isFolder, parseJson, readBytes, readIfThere } from './files.js'

/** The folder of the model that comes with the package. */
export const SHIPPED = fileURLToPath(new URL('../../models/efficientnet-lite0', import.meta.url))

export interface ModelParts {
  readonly name: string
  readonly graph: Graph
  readonly labels: readonly string[] | undefined
  readonly preprocessing: PreprocessSpec | undefined
}

export interface ResolvedModel extends ModelParts {
  /** The .onnx and its external data. */
  readonly files: readonly string[]
  /** The config.json and preprocessor_config.json that were read, where there are any. */
  readonly companions: readonly string[]
}

/**
 * Finds a model: a .onnx file, a folder in the Hugging Face layout (`onnx/model.onnx` or `model.onnx`, `config.json`,
 * `preprocessor_config.json`), or, given nothing, the shipped one. For a file the two .json are looked for beside it, and in
 * the folder above where it lies in `onnx/`. Rejects with `cannot-read`, `invalid-model`, `external-data-missing`, `bad-option`.
 */
export async function resolveModel(path: string = SHIPPED): Promise<ResolvedModel> {
  const file = (await isFolder(path)) ? await modelInFolder(path) : path
  const bytes = await readBytes(file, 'The model')
  const folder = dirname(resolve(file))
  const graph = await withExternalData(decode(bytes, { name: file }), folder)
  const home = basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder]
  const name = path === SHIPPED ? 'efficientnet-lite0 (shipped)' : basename(resolve(path))
  const files = [file, ...[...graph.externalData.keys()].map((location) => join(folder, location))]
  return { name, graph, files, ...(await companions(home)) }
}

async function modelInFolder(folder: string): Promise<string> {
  for (const place of ['onnx/model.onnx', 'model.onnx'])
    if (await isFile(join(folder, place))) return join(folder, place)
  throw new ExplainError('cannot-read', {
    what: `The folder "${folder}" holds neither onnx/model.onnx nor model.onnx`,
    remedy: 'Name the .onnx file itself.',
  })
}

async function withExternalData(graph: Graph, folder: string): Promise<Graph> {
  const files = new Map<string, Uint8Array>()
  for (const location of externalLocations(graph)) {
    const place = join(folder, location)
    if (!normalize(place).startsWith(folder + sep))
      throw new ExplainError('external-data-missing', {
        what: `The model points to external data outside its folder: "${location}"`,
        details: { location },
      })
    const bytes = await readIfThere(place, 'The external data file')
    if (!bytes)
      throw new ExplainError('external-data-missing', {
        what: `The external data file "${location}" of the model is missing`,
        where: folder,
        remedy: 'Keep it beside the .onnx, under the name that the model gives it.',
        details: { location },
      })
    files.set(location, bytes)
  }
  for (const t of graph.initializers.values()) checkExternalData(t, files)
  return files.size === 0 ? graph : graph.with({ externalData: files })
}

async function companions(
  folders: readonly string[],
): Promise<Pick<ResolvedModel, 'labels' | 'preprocessing' | 'companions'>> {
  const find = async (name: string): Promise<{ path: string; json: unknown } | undefined> => {
    for (const folder of folders) {
      const path = join(folder, name)
      const bytes = await readIfThere(path, 'The file')
      if (bytes) return { path, json: parseJson(bytes, path) }
    }
    return undefined
  }
  const config = await find('config.json')
  const preprocessor = await find('preprocessor_config.json')
  return {
    labels: config && labelsOf(config.json),
    preprocessing: preprocessor && readPreprocessing(preprocessor.path, preprocessor.json),
    companions: [config, preprocessor].flatMap((found) => (found ? [found.path] : [])),
  }
}

/** A preprocessing that cannot be carried out is the file's fault, not the command's. */
function readPreprocessing(path: string, json: unknown): PreprocessSpec {
  try {
    return parsePreprocessorConfig(json)
  } catch (cause) {
    if (!(cause instanceof ExplainError)) throw cause
    throw new ExplainError('cannot-read', {
      what: cause.message.replace(/\.$/, ''),
      where: path,
      details: cause.details,
      cause,
    })
  }
}

/** More classes than any network has; a larger number is no class index. */
const MAX_CLASSES = 1_000_000

/** Reads labels from a file: a JSON list, a JSON object of labels by index (perhaps under `id2label`), or one label a line. */
export async function readLabels(path: string): Promise<readonly string[]> {
  const bytes = await readBytes(path, 'The labels file')
  const text = new TextDecoder().decode(bytes)
  const labels = /^\s*[[{]/.test(text)
    ? labelsOf(parseJson(bytes, path))
    : text.split(/\r?\n/).filter((l) => l.trim() !== '')
  if (labels) return labels
  throw new ExplainError('cannot-read', {
    what: `"${path}" holds no labels`,
    remedy: 'Give one label a line, a JSON list, or a JSON object {"0": "label", ...}.',
  })
}

function labelsOf(json: unknown): readonly string[] | undefined {
  if (Array.isArray(json)) return json.map(String)
  if (typeof json !== 'object' || json === null) return undefined
  if ('id2label' in json) return labelsOf(json.id2label)
  const entries = Object.entries(json)
  if (entries.length === 0 || entries.some(([key]) => !/^\d+$/.test(key) || Number(key) >= MAX_CLASSES))
    return undefined
  const labels: string[] = []
  for (const [key, value] of entries) labels[Number(key)] = String(value)
  return Array.from(labels, (l, i) => l ?? `class ${i}`)
}
