// Bundles `onnxplain/web`: the page's part, what it loads when a figure is drawn, and a worker for each build of ONNX Runtime, each a file that any
// page or bundler can load. Addresses of other files stay as they are in the source (`new URL('...', import.meta.url)`), which bundlers understand.
import { rmSync } from 'node:fs'
import { build } from 'esbuild'

const out = process.argv[2] ?? 'dist/browser'

const settings = {
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
}

// names of parts change with what is in them
rmSync(out, { recursive: true, force: true })
await build({ ...settings, entryPoints: ['src/web/index.ts'], splitting: true })
await build({ ...settings, entryPoints: ['src/web/worker.ts', 'src/web/worker-webgpu.ts'] })
