import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles `onnxplain/web` into a folder: the page's part, and a worker for each build of ONNX Runtime, each one file that any page or bundler can
 * load. Addresses of other files stay as they are in the source (`new URL('...', import.meta.url)`), which bundlers understand.
 */
export async function buildWeb(folder) {
  await build({
    entryPoints: ['src/web/index.ts', 'src/web/worker.ts', 'src/web/worker-webgpu.ts'].map((path) =>
      fileURLToPath(new URL(`../${path}`, import.meta.url)),
    ),
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
  })
}
