/**
 * From a model's files to its parts: the graph with its external data, the labels and the preprocessing. Where the files lie (on a disk, on
 * a server, in a folder dropped on a page) is the business of whoever hands them in.
 */
import { ExplainError } from '../core/errors.js'
import { type PreprocessSpec, parsePreprocessorConfig } from '../image/index.js'
import { decode, externalLocations } from '../onnx/decode.js'
import type { Graph } from '../onnx/ir.js'
import { checkExternalData } from '../onnx/tensors.js'
import { yoloMetadata } from './yolo-metadata.js'

/** Files by paths relative to one place; `/` between folders. */
export interface ModelFiles {
  /** The bytes of a file; undefined where there is none. Rejects with `cannot-read`. */
  read(path: string): Promise<Uint8Array | undefined>
  /** How a path, or the folder of one, is called in messages. */
  name(path: string): string
}

export interface ModelParts {
  readonly name: string
  readonly graph: Graph
  readonly labels: readonly string[] | undefined
  readonly preprocessing: PreprocessSpec | undefined
}

export interface AssembledModel extends Omit<ModelParts, 'name'> {
  /** Paths of the external data files. */
  readonly external: readonly string[]
  /** Paths of the two .json files, where they were found. */
  readonly companions: readonly string[]
}

/** Where the .onnx lies in a folder in the Hugging Face layout. */
export const ENTRIES = ['onnx/model.onnx', 'model.onnx'] as const

/**
 * Puts a model together from its .onnx, whose path is `entry`. `config.json` (labels) and `preprocessor_config.json` are looked for beside it
 * and, where it lies in `onnx/`, in the folder above; without them, what the model says of itself is taken. Rejects with `invalid-model`, `external-data-missing`, `cannot-read`.
 */
export async function assembleModel(entry: string, bytes: Uint8Array, files: ModelFiles): Promise<AssembledModel> {
  const folder = folderOf(entry)
  const bare = decode(bytes, { name: files.name(entry) })
  const external = await externalData(bare, folder, files)
  const graph = external.size === 0 ? bare : bare.with({ externalData: external })
  const home = lastOf(folder) === 'onnx' ? [folder, folderOf(folder)] : [folder]
  const find = async (name: string): Promise<{ path: string; json: unknown } | undefined> => {
    for (const place of home) {
      const path = joined(place, name)
      const found = await files.read(path)
      if (found) return { path, json: parseJson(found, files.name(path)) }
    }
    return undefined
  }
  const config = await find('config.json')
  const preprocessor = await find('preprocessor_config.json')
  const own = ownParts(graph)
  return {
    graph,
    labels: config ? labelsOf(config.json) : own.labels,
    preprocessing: preprocessor
      ? readPreprocessing(files.name(preprocessor.path), preprocessor.json)
      : own.preprocessing,
    external: [...external.keys()].map((location) => joined(folder, location)),
    companions: [config, preprocessor].flatMap((found) => found?.path ?? []),
  }
}

/** What a model says of itself, without any files beside it. */
export function ownParts(graph: Graph): Omit<ModelParts, 'name'> {
  const { labels, preprocessing } = yoloMetadata(graph) ?? {}
  return { graph, labels, preprocessing }
}

async function externalData(graph: Graph, folder: string, files: ModelFiles): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for (const location of externalLocations(graph)) {
    if (leadsOut(location))
      throw new ExplainError('external-data-missing', {
        what: `The model points to external data outside its folder: "${location}"`,
        details: { location },
      })
    const bytes = await files.read(joined(folder, location))
    if (!bytes)
      throw new ExplainError('external-data-missing', {
        what: `The external data file "${location}" of the model is missing`,
        where: files.name(folder),
        remedy: 'Keep it beside the .onnx, under the name that the model gives it.',
        details: { location },
      })
    found.set(location, bytes)
  }
  for (const t of graph.initializers.values()) checkExternalData(t, found)
  return found
}

/** True for a path that is absolute, or climbs out of the folder that it starts from. */
function leadsOut(path: string): boolean {
  if (/^([/\\]|[A-Za-z]:)/.test(path)) return true
  let depth = 0
  for (const part of path.split(/[/\\]/)) {
    depth += part === '..' ? -1 : part === '' || part === '.' ? 0 : 1
    if (depth < 0) return true
  }
  return depth === 0
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** Parses a JSON file. Throws `cannot-read` where it is not JSON. */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new ExplainError('cannot-read', { what: `"${name}" is not JSON`, cause })
  }
}

/** A preprocessing that cannot be carried out is the file's fault, not the command's. */
function readPreprocessing(name: string, json: unknown): PreprocessSpec {
  try {
    return parsePreprocessorConfig(json)
  } catch (cause) {
    if (!(cause instanceof ExplainError)) throw cause
    throw new ExplainError('cannot-read', {
      what: cause.message.replace(/\.$/, ''),
      where: name,
      details: cause.details,
      cause,
    })
  }
}

/** More classes than any network has; a larger number is no class index. */
const MAX_CLASSES = 1_000_000

/**
 * Reads labels from a file: a JSON list, a JSON object of labels by index (perhaps under `id2label`), or one label a line. Throws
 * `cannot-read`.
 */
export function parseLabels(bytes: Uint8Array, name: string): readonly string[] {
  const text = new TextDecoder().decode(bytes)
  const labels = /^\s*[[{]/.test(text)
    ? labelsOf(parseJson(bytes, name))
    : text.split(/\r?\n/).filter((l) => l.trim() !== '')
  if (labels) return labels
  throw new ExplainError('cannot-read', {
    what: `"${name}" holds no labels`,
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
