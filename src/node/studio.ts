/** The studio, served: the built page, what it needs of other packages, and the files of one model. */
import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ExplainError } from '../core/errors.js'
import { encoderDecoder } from '../explain/index.js'
import { isFile } from './files.js'
import { resolveModel, SHIPPED } from './resolve.js'
import { type Served, serveFolder } from './serve.js'

/** Where `npm run build` puts the studio. */
const BUILT = fileURLToPath(new URL('../../dist/studio', import.meta.url))

/** ONNX Runtime's parts that a page loads by their names: for processors alone, and with WebGPU. */
const RUNTIME = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
])

export interface StudioOptions {
  /** Folder of the built studio. Default: the package's own. */
  readonly root?: string | undefined
  /** Model that the studio opens with: a .onnx file, or a folder in the Hugging Face layout. Default: the shipped one. */
  readonly model?: string | undefined
  /** Default: any that is free. */
  readonly port?: number | undefined
}

/**
 * Serves the studio on 127.0.0.1. Beside the built page: `/onnxruntime-web/` and `/models/efficientnet-lite0/`, where the page's folder has none,
 * and under `/model/` the .onnx, its external data, and its companions beside it; the address then ends in `#model=model%2Fnet.onnx`, an
 * address within the server in a URLSearchParams. The model is read once to see that it is one, and then by the page alone.
 *
 * Rejects with `cannot-serve`, and for a model as `resolveModel` does.
 */
export async function serveStudio({ root = BUILT, model, port }: StudioOptions = {}): Promise<Served> {
  if (!(await isFile(join(root, 'index.html'))))
    throw new ExplainError('cannot-serve', {
      what: `The studio is not built: there is no index.html in "${root}"`,
      remedy: 'Run "npm run build" in the folder of onnxplain.',
    })
  const own = model === undefined ? undefined : await filesOf(model)
  const files = new Map([...runtimeFiles(), ...(await shippedFiles()), ...(own?.files ?? [])])
  const served = await serveFolder(root, { port, files })
  const hash = own ? `#${new URLSearchParams({ model: own.start })}` : ''
  return { ...served, address: `${served.address}${hash}` }
}

function runtimeFiles(): readonly (readonly [string, string])[] {
  const { resolve } = createRequire(import.meta.url)
  return RUNTIME.map((name) => [`/onnxruntime-web/${name}`, resolve(`onnxruntime-web/${name}`)])
}

async function shippedFiles(): Promise<readonly (readonly [string, string])[]> {
  const names = await readdir(SHIPPED, { recursive: true })
  // folders are among them, and not sent
  return names.map((name) => [`/models/${basename(SHIPPED)}/${slashes(name)}`, join(SHIPPED, name)])
}

/** The files of a model by the paths they are served under, and the .onnx as an address within the server. */
async function filesOf(path: string): Promise<{ readonly files: ReadonlyMap<string, string>; readonly start: string }> {
  const { entry: onnx, files, companions } = await resolveModel(path)
  const folder = dirname(resolve(onnx))
  const home = basename(folder) === 'onnx' ? dirname(folder) : folder
  // two files are called by the folder that they lie in
  const place = encoderDecoder(basename(onnx)) ? ['model', basename(home)] : ['model']
  const under = (path: string): string => posix.join('/', ...place, path)
  const beside = companions.map((file) => [under(basename(file)), resolve(file)] as const)
  const own = files.map((file) => [under(slashes(relative(folder, resolve(file)))), resolve(file)] as const)
  const start = [...place, basename(onnx)].map(encodeURIComponent).join('/')
  return { files: new Map([...beside, ...own]), start }
}

function slashes(path: string): string {
  return path.split(sep).join('/')
}
