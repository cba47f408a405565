/**
 * From a model's files to its parts: the graph with its external data, the labels and the preprocessing. Where the files lie (on a disk, on
 * a server, in a folder dropped on a page) is the business of whoever hands them in.
 */
import { ExplainError } from '../core/errors.js'
import { type PreprocessSpec, parsePreprocessorConfig, type Size } from '../image/index.js'
import { decode, externalLocations } from '../onnx/decode.js'
import type { Graph } from '../onnx/ir.js'
import { valueInfo } from '../onnx/shapes.js'
import { checkExternalData } from '../onnx/tensors.js'
import { join } from '../passes/join.js'
import { type TextSettings, textSettings } from '../text/index.js'
import { encoderDecoder, towers } from './entries.js'
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
  /** The size of picture that its configuration names. */
  readonly pictureSize?: Size | undefined
  /** What the model's files say of its words; undefined where it has none. */
  readonly text?: TextSettings | undefined
  /** The tower of the texts, where it is a file of its own: read when it is asked for. Rejects with `cannot-read` where it is not there. */
  readonly textTower?: (() => Promise<Graph>) | undefined
}

export interface AssembledModel extends Omit<ModelParts, 'name'> {
  /** Paths of the .onnx files: one, or an encoder and a decoder. */
  readonly models: readonly string[]
  /** Paths of the external data files. */
  readonly external: readonly string[]
  /** Paths of the .json files, where they were found. */
  readonly companions: readonly string[]
}

/** How a model is put together. */
export interface AssembleOptions {
  /** True where the entry is to be the whole model, though its name is an encoder's. Default: false. */
  readonly alone?: boolean
}

/**
 * Puts a model together from its .onnx, whose path is `entry`. An encoder (`encoder_model.onnx`) is joined with the decoder beside it, and a
 * decoder with its encoder. `config.json` (labels, words), `preprocessor_config.json`, `generation_config.json`, `tokenizer.json` and
 * `tokenizer_config.json` are looked for beside it and, where it lies in `onnx/`, in the folder above; without
 * them, what the model says of itself is taken. Rejects with `invalid-model`,
 * `external-data-missing`, `cannot-read`, and what {@link join} throws.
 */
export async function assembleModel(
  entry: string,
  bytes: Uint8Array,
  files: ModelFiles,
  { alone = false }: AssembleOptions = {},
): Promise<AssembledModel> {
  const folder = folderOf(entry)
  const pair = towers(entry)
  const parts =
    pair?.text === entry
      ? [{ path: pair.vision, bytes: await otherTower(pair.vision, entry, files) }]
      : await halvesOf(entry, bytes, files, alone)
  const graphs: Graph[] = []
  const external = new Set<string>()
  for (const part of parts) {
    const graph = await decoded(part, files)
    for (const location of graph.externalData.keys()) external.add(location)
    graphs.push(graph)
  }
  const [first, second] = graphs
  if (!first) throw new ExplainError('cannot-read', { what: `"${files.name(entry)}" cannot be read` })
  const graph = second ? join(first, second) : first
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
  // asked for of models of words alone: on a server each is a request
  const isOfWords = pair !== undefined || readsWords(graph)
  const ofWords = (name: string) => (isOfWords ? find(name) : undefined)
  const generation = await ofWords('generation_config.json')
  // a list of words in the config goes first
  const tokenizer = listsWords(config?.json) ? undefined : await ofWords('tokenizer.json')
  const tokenizerConfig = tokenizer && (await find('tokenizer_config.json'))
  const own = ownParts(graph)
  return {
    graph,
    // what a decoder writes are words, and labels those of classes
    labels: second ? undefined : config ? labelsOf(config.json) : own.labels,
    pictureSize: config && pictureSizeOf(config.json),
    preprocessing: preprocessor
      ? readPreprocessing(files.name(preprocessor.path), preprocessor.json)
      : own.preprocessing,
    text: isOfWords
      ? textSettings({
          config: config?.json,
          generationConfig: generation?.json,
          tokenizer: tokenizer?.json,
          tokenizerConfig: tokenizerConfig?.json,
        })
      : undefined,
    textTower:
      pair && (async () => decoded({ path: pair.text, bytes: await otherTower(pair.text, pair.vision, files) }, files)),
    models: parts.map((part) => part.path),
    external: [...external].map((location) => joined(folder, location)),
    companions: [config, preprocessor, generation, tokenizer, tokenizerConfig].flatMap((found) => found?.path ?? []),
  }
}

async function decoded({ path, bytes }: ModelPart, files: ModelFiles): Promise<Graph> {
  const bare = decode(bytes, { name: files.name(path) })
  const found = await externalData(bare, folderOf(path), files)
  return found.size === 0 ? bare : bare.with({ externalData: found })
}

/** The file beside a tower. */
async function otherTower(path: string, own: string, files: ModelFiles): Promise<Uint8Array> {
  const found = await files.read(path)
  if (found) return found
  throw new ExplainError('cannot-read', {
    what: `"${lastOf(own)}" is one of two towers, and the other is missing: there is no ${lastOf(path)}`,
    where: files.name(folderOf(own)),
    remedy: 'Keep vision_model.onnx and text_model.onnx in one folder.',
    details: { missing: [lastOf(path)] },
  })
}

/** True for a config that lists the words itself. */
function listsWords(config: unknown): boolean {
  return typeof config === 'object' && config !== null && Array.isArray(Reflect.get(config, 'vocabulary'))
}

/** True for a model that is given rows of whole numbers. */
function readsWords(graph: Graph): boolean {
  return graph.inputs.map(valueInfo).some(({ type, dims }) => /^int(64|32)$/.test(type ?? '') && dims?.length === 2)
}

/** A .onnx file of a model. */
interface ModelPart {
  readonly path: string
  readonly bytes: Uint8Array
}

/** The files that make up a model: the entry, or the encoder and the decoder of which it is one. */
async function halvesOf(
  entry: string,
  bytes: Uint8Array,
  files: ModelFiles,
  alone: boolean,
): Promise<readonly ModelPart[]> {
  const own = { path: entry, bytes }
  const halves = alone ? undefined : encoderDecoder(entry)
  if (!halves) return [own]
  const isEncoder = entry === halves.encoder
  const missing: string[] = []
  for (const path of isEncoder ? halves.decoders : [halves.encoder]) {
    const found = await files.read(path)
    if (found) return isEncoder ? [own, { path, bytes: found }] : [{ path, bytes: found }, own]
    missing.push(lastOf(path))
  }
  throw new ExplainError('cannot-read', {
    what: `"${lastOf(entry)}" is one half of a model, and its other half is missing: there is no ${missing.join(', no ')}`,
    where: files.name(folderOf(entry)),
    remedy: isEncoder
      ? 'Keep encoder and decoder in one folder; or name the encoder itself, to explain what it gives.'
      : 'Keep encoder and decoder in one folder.',
    details: { missing },
  })
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

/** `image_size` of a configuration, or of the part of it that is about pictures: a side, or height and width. */
function pictureSizeOf(config: unknown): Size | undefined {
  const part = (json: unknown, name: string): unknown =>
    typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined
  const all = [config, part(config, 'vision_config'), part(config, 'encoder')].map((json) => part(json, 'image_size'))
  const found = all.find((size) => size !== undefined && size !== null)
  const [height, width = height] = [found].flat()
  const isSide = (v: unknown): v is number => typeof v === 'number' && Number.isInteger(v) && v > 0
  return isSide(height) && isSide(width) ? { height, width } : undefined
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
