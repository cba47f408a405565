/** The worker on WebGPU. */
import * as ort from 'onnxruntime-web/webgpu'
import { startEngine, type WebOrt } from './engine.js'
import { type Scope, serve } from './serve.js'

// bundlers see these addresses, and copy the files; without one they are beside this script
const files = {
  mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs', import.meta.url).href,
  wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm', import.meta.url).href,
}

serve(globalThis as unknown as Scope, (settings) => startEngine(ort as unknown as WebOrt, 'webgpu', files, settings))
