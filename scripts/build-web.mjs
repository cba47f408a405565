import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles `onnxplain/web` into a folder: the page's part, what it loads when a figure is drawn, and a worker for each build of ONNX Runtime, each a
 * file that any page or bundler can load. Addresses of other files stay as they are in the source (`new URL('...', import.meta.url)`), which
 * bundlers understand.
 */
export async function buildWeb(folder) {
  const settings = {
    outdir: folder,
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
  const source = (name) => fileURLToPath(new URL(`../src/web/${name}`, import.meta.url))
  // each by itself, so that none waits for more than one file; what is loaded later is alike, and one file
  for (const name of ['index.ts', 'worker.ts', 'worker-webgpu.ts'])
    await build({ ...settings, entryPoints: [source(name)], splitting: true })
}
