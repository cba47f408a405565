import { defineConfig } from 'vite'

/** Isolate the page, so that WebAssembly has threads; the server that the built page lies on has to send them too. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  // any folder of any host
  base: './',
  // onnxplain finds its worker and its files beside itself, where the development server would move it away from them
  optimizeDeps: { exclude: ['onnxplain'] },
  worker: { format: 'es' },
  // small files stay files: a Content-Security-Policy that allows no data: addresses then does
  build: { target: 'es2022', assetsInlineLimit: 0 },
  server: { headers },
  preview: { headers },
})
