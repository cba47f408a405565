/** The worker on WebAssembly. */
import * as ort from 'onnxruntime-web/wasm'
import { startEngine, type WebOrt } from './engine.js'
import { type Scope, serve } from './serve.js'

// bundlers see these addresses, and copy the files; without one they are beside this script
const files = {
  mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.mjs', import.meta.url).href,
  wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url).href,
}

serve(globalThis as unknown as Scope, (settings) => startEngine(ort as unknown as WebOrt, 'wasm', files, settings))
