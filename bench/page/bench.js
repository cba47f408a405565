import { open, readImage } from '../onnxplain/dist/browser/index.js'

const best = (ms) => Math.min(...ms)

async function timed(work) {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Interleaved: a b c a b c ...; the best of each. */
async function measured(works, runs) {
  const ms = Object.fromEntries(Object.keys(works).map((name) => [name, []]))
  for (let i = -2; i < runs; i++)
    for (const [name, work] of Object.entries(works)) {
      const took = await timed(work)
      if (i >= 0) ms[name].push(took)
    }
  return Object.fromEntries(Object.entries(ms).map(([name, all]) => [name, best(all)]))
}

/** Milliseconds of a map through the public API, and of the model alone in a worker. */
async function speed(address, file, image, runs) {
  const blob = await (await fetch(image)).blob()
  const picture = await readImage(blob)
  const model = await open(address, { backend: 'wasm' })
  const { input, threads } = model
  const worker = new Worker('forward.js', { type: 'module' })
  const ask = (question) =>
    new Promise((resolve, reject) => {
      worker.onmessage = resolve
      worker.onerror = reject
      worker.postMessage(question)
    })
  const dims = [1, input.channels, input.height ?? 224, input.width ?? 224]
  await ask({ model: file, threads, input: input.name, dims })
  let target = 0
  const map = async (source, options) => {
    const { raw, at } = await model.explain(source, { method: 'grad-cam', ...options })
    at({ width: dims[3], height: dims[2] }).heatmap.data.at(raw.data.length)
  }
  const ms = await measured(
    {
      forward: () => ask({}),
      classify: () => model.classify(picture),
      'file in, map out': () => map(blob, { target: 1 }),
      'picture in, map out': () => map(picture, { target: 1 }),
      'another class': () => map(picture, { target: target++ % model.answer.classes }),
    },
    runs,
  )
  model.dispose()
  worker.terminate()
  return { ms, threads, runtime: model.runtime }
}

/** Opens a model, explains, and disposes of it, so many times. */
async function change(address, image, times) {
  for (let i = 0; i < times; i++) {
    const model = await open(address, { backend: 'wasm' })
    await model.explain(image)
    model.dispose()
  }
}

globalThis.bench = { speed, change }
