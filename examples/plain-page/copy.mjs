// Copies what the page loads from node_modules to beside it.
import { cpSync } from 'node:fs'
import { join } from 'node:path'

const [, , from = 'node_modules', to = '.'] = process.argv
const browser = 'onnxplain/dist/browser'
const runtime = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'].flatMap((name) => [`${name}.mjs`, `${name}.wasm`])
const fonts = ['latin-400', 'latin-ext-400', 'latin-600', 'latin-ext-600'].map((name) => `inter-${name}-normal.woff`)

const files = [
  [browser, browser],
  ['onnxplain/models', 'onnxplain/models'],
  ...runtime.map((name) => [`onnxruntime-web/dist/${name}`, `${browser}/onnxruntime-web/${name}`]),
  ...fonts.map((name) => [`@fontsource/inter/files/${name}`, `${browser}/@fontsource/inter/files/${name}`]),
]
for (const [source, target] of files) cpSync(join(from, source), join(to, target), { recursive: true, dereference: true })
