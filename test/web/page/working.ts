/** Work that goes on in workers: progress, aborts, models side by side, figures. */
import { type ImageSource, open, readImage } from '../../../src/web/index.js'
import type { Failure, Worked } from '../told.js'
import { outcome } from './failing.js'

/** An occlusion map in the making, and when it is done. */
export async function progressOf(
  image: ImageSource,
  options: Readonly<Record<string, number>>,
): Promise<Worked['progressOf']> {
  using model = await open(undefined, { backend: 'wasm' })
  const told: Worked['progressOf']['told'][number][] = []
  const { raw } = await model.explain(image, {
    method: 'occlusion',
    options,
    onProgress: ({ done, total, partial }) => {
      const [map] = partial()
      const { width = 0, height = 0 } = map?.heatmap ?? {}
      const sum = Array.from(map?.raw.data ?? []).reduce(
        (a: number, v: number) => a + (Number.isFinite(v) ? Math.abs(v) : 0),
        0,
      )
      told.push({ done, total, size: [width, height], sum })
    },
  })
  return { told, dims: raw.dims }
}

/** Milliseconds from an abort in the middle of a long method to its rejection, and to the answer of the next question. */
export async function abortOf(image: ImageSource, backend: 'wasm' | 'webgpu' = 'wasm'): Promise<Worked['abortOf']> {
  using model = await open(undefined, { backend })
  const picture = await readImage(image)
  const [before] = await model.classify(picture)
  const controller = new AbortController()
  let running: () => void
  const runs = new Promise<void>((resolve) => {
    running = resolve
  })
  const work = outcome(() =>
    model.explain(picture, {
      method: 'occlusion',
      options: { patch: 16, stride: 8 },
      signal: controller.signal,
      onProgress: () => running(),
    }),
  )
  await runs
  const start = performance.now()
  controller.abort()
  const failed = await work
  const rejected = performance.now() - start
  const [after] = await model.classify(picture)
  const answered = performance.now() - start
  const again = await model.explain(picture)
  return {
    failed: 'error' in failed ? failed.error.code : 'none',
    rejected,
    answered,
    same: before?.logit === after?.logit,
    map: again.raw.dims,
  }
}

/** What a signal that was aborted before comes to, and one that is aborted while the model opens; a model opened afterwards works. */
export async function abortedOpening(): Promise<Worked['abortedOpening']> {
  const early = await outcome(() => open(undefined, { backend: 'wasm', signal: AbortSignal.abort() }))
  const controller = new AbortController()
  const start = performance.now()
  let at = Number.NaN
  const late = await outcome(() =>
    open(undefined, {
      backend: 'wasm',
      signal: controller.signal,
      onProgress: () => {
        if (Number.isNaN(at)) at = performance.now() - start
        controller.abort()
      },
    }),
  )
  const waited = performance.now() - start - at
  using model = await open(undefined, { backend: 'wasm' })
  return { early: codeOf(early), late: codeOf(late), waited, next: model.name }
}

/** Every question after a model was disposed of, one asked just before, and another model's. */
export async function disposal(image: ImageSource): Promise<Worked['disposal']> {
  const [model, other] = await Promise.all([open(undefined, { backend: 'wasm' }), open(undefined, { backend: 'wasm' })])
  const view = model.adjusted({ mean: [0.5, 0.5, 0.5] })
  const going = outcome(() => model.explain(image, { method: 'occlusion' }))
  await model.classify(image)
  model.dispose()
  model.dispose()
  const codes = {
    going: codeOf(await going),
    classify: codeOf(await outcome(() => model.classify(image))),
    explain: codeOf(await outcome(() => model.explain(image))),
    channels: codeOf(await outcome(() => model.channels(image))),
    compile: codeOf(await outcome(() => model.compile())),
    labels: codeOf(await outcome(() => model.withLabels(['a']))),
    view: codeOf(await outcome(() => view.classify(image))),
  }
  const [best] = await other.classify(image)
  other.dispose()
  return { codes, best: best?.label }
}

/** Two models, each with questions at once; more pictures than a worker keeps, and the first again; other labels. */
export async function sideBySide(images: readonly ImageSource[]): Promise<Worked['sideBySide']> {
  using first = await open(undefined, { backend: 'wasm' })
  using second = await open(undefined, {
    backend: 'wasm',
    labels: Array.from({ length: 1000 }, (_, i) => `class of ${i}`),
  })
  const pictures = await Promise.all(images.map((image) => readImage(image)))
  const asked = [...pictures, ...pictures].flatMap((p) => [
    first.classify(p, { top: 1 }),
    second.classify(p, { top: 1 }),
  ])
  const answers = (await Promise.all(asked)).map(([best]) => best?.label)
  const renamed = await first.withLabels(new File(['one\ntwo'], 'names.txt'))
  const [best] = await renamed.classify(pictures[0] ?? '', { top: 1 })
  const [still] = await first.classify(pictures[0] ?? '', { top: 1 })
  return { answers, renamed: best?.label, notes: renamed.notes, still: still?.label }
}

/** An overlay as each kind of file: the first bytes, and the size where the browser reads it. */
export async function figures(image: ImageSource): Promise<Worked['figures']> {
  using model = await open(undefined, { backend: 'wasm' })
  const explanation = await model.explain(image)
  const types = ['image/png', 'image/jpeg', 'image/webp', 'image/svg+xml'] as const
  const files = types.map(async (type) => {
    const blob = await explanation.toBlob({ type, scale: 1 })
    const start = new TextDecoder('latin1').decode((await blob.arrayBuffer()).slice(0, 12))
    const picture = type === 'image/svg+xml' ? undefined : await readImage(blob)
    return { type: blob.type, start, width: picture && !('dims' in picture) ? picture.width : 0 }
  })
  const bad = codeOf(await outcome(() => explanation.save('map.pdf')))
  return { files: await Promise.all(files), bad }
}

/** What `auto` chooses, or another backend; the map's layer and the notes of its provenance. */
export async function choice(
  image: ImageSource,
  backend: 'auto' | 'wasm' | 'webgpu',
  threads?: number,
): Promise<Worked['choice']> {
  return outcome(async () => {
    using model = await open(undefined, { backend, ...(threads === undefined ? {} : { threads }) })
    const { raw, provenance } = await model.explain(image)
    const { notes, runtime } = provenance
    return {
      runtime: model.runtime,
      threads: model.threads,
      dims: raw.dims,
      notes,
      told: runtime,
      sha256: provenance.model.sha256,
    }
  })
}

function codeOf(result: unknown): string {
  return typeof result === 'object' && result !== null && 'error' in result ? (result as Failure).error.code : 'none'
}
