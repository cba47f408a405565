// Bundles `onnxplain/web`: the page's part, and a worker for each build of ONNX Runtime, each one file that any page or bundler can load.
// Addresses of other files stay as they are in the source (`new URL('...', import.meta.url)`), which bundlers understand.
import { build } from 'esbuild'

const out = process.argv[2] ?? 'dist/browser'

await build({
  entryPoints: ['src/web/index.ts', 'src/web/worker.ts', 'src/web/worker-webgpu.ts'],
  outdir: out,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  // ONNX Runtime's glue stays a file of its own: its threads load it as their script
  conditions: ['onnxruntime-web-use-extern-wasm'],
  legalComments: 'linked',
  logLevel: 'warning',
})
