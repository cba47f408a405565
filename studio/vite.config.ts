import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Files that `onnxplain studio` serves from where they are installed keep their names, so that the package need not carry them twice. */
function assetFileNames({ names }: { readonly names: readonly string[] }): string {
  const [name = ''] = names
  if (name.startsWith('ort-wasm')) return 'onnxruntime-web/[name][extname]'
  if (name === 'model.onnx') return 'models/efficientnet-lite0/onnx/[name][extname]'
  return 'assets/[name]-[hash][extname]'
}

export default defineConfig({
  root: at('.'),
  // any folder of any host
  base: './',
  resolve: { alias: { 'onnxplain/web': at('../dist/browser/index.js') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es', rolldownOptions: { output: { assetFileNames } } },
  build: {
    outDir: at('../dist/studio'),
    emptyOutDir: true,
    target: 'es2022',
    // nothing as data: addresses, which the page's policy forbids to fetch
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
    rolldownOptions: { output: { assetFileNames } },
  },
  server: {
    headers: {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    },
    fs: { allow: [at('..')] },
  },
})
