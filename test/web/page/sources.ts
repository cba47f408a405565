/** Models of every kind that a page has. */
import { type LoadProgress, type ModelSource, type OpenOptions, open } from '../../../src/web/index.js'
import type { Failure, OpenedModel, Source } from '../told.js'
import { outcome } from './failing.js'

/** Opens a model, asks it about the tensor of ones, and closes it. */
export async function opens(source: Source, options: OpenOptions = {}): Promise<OpenedModel | Failure> {
  const given = await sourceOf(source)
  return outcome(async () => {
    const progress: LoadProgress[] = []
    const warned: string[] = []
    using model = await open(given, {
      backend: 'wasm',
      ...options,
      warn: (line) => warned.push(line),
      onProgress: (told) => progress.push(told),
    })
    const { name, labels, notes, preprocessing, input } = model
    const dims = [input.channels, input.height ?? 16, input.width ?? 16]
    const ones = { type: 'float32', dims, data: new Float32Array(dims.reduce((a, b) => a * b)).fill(1) } as const
    const [best] = await model.classify(ones)
    return { name, labels, notes, warned, mean: preprocessing?.mean, best, progress }
  })
}

async function sourceOf(source: Source): Promise<ModelSource | undefined> {
  if (source.kind === 'shipped') return undefined
  if (source.kind === 'address') return source.url
  if (source.kind === 'url') return new URL(source.url, location.href)
  if (source.kind === 'files')
    return Promise.all(
      Object.entries(source.files).map(async ([path, from]) => {
        const bytes = typeof from === 'string' ? from : await (await fetch(from.url)).arrayBuffer()
        const file = new File([bytes], path.slice(path.lastIndexOf('/') + 1))
        if (path.includes('/')) Object.defineProperty(file, 'webkitRelativePath', { value: path })
        return file
      }),
    )
  const buffer = await (await fetch(source.url)).arrayBuffer()
  if (source.kind === 'bytes') return new Uint8Array(buffer)
  if (source.kind === 'buffer') return buffer
  return source.kind === 'file' ? new File([buffer], source.name) : new Blob([buffer])
}
