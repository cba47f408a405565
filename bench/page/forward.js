// A plain forward pass in a worker of its own: what a map is measured against.
import * as ort from '../ort/ort.wasm.min.mjs'

let session
let feeds
onmessage = async ({ data }) => {
  if (data.model) {
    ort.env.wasm.numThreads = data.threads
    ort.env.wasm.wasmPaths = new URL('../ort/', location.href).href
    session = await ort.InferenceSession.create(data.model, { executionProviders: ['wasm'] })
    const size = data.dims.reduce((a, b) => a * b)
    feeds = { [data.input]: new ort.Tensor('float32', Float32Array.from({ length: size }, (_, i) => Math.sin(i)), data.dims) }
  } else await session.run(feeds)
  postMessage(undefined)
}
