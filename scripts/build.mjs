// Builds all that is packed: `node scripts/build.mjs [FOLDER]` (default: dist). Modules for Node and types by TypeScript, `onnxplain/web` by
// esbuild, the studio by Vite.
import { execFile } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'vite'
import { buildWeb } from './build-web.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = resolve(root, process.argv[2] ?? 'dist')
const tsc = (project) =>
  promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', project, '--outDir', dist],
    {
      cwd: root,
    },
  ).catch((error) => {
    throw new Error(error.stdout || error.message)
  })

// nothing of an older layout is packed
rmSync(dist, { recursive: true, force: true })
await Promise.all([
  tsc('tsconfig.build.json').then(() => chmodSync(join(dist, 'cli/main.js'), 0o755)),
  tsc('tsconfig.web.build.json'),
  buildWeb(join(dist, 'browser')),
])
await build({
  configFile: join(root, 'studio/vite.config.ts'),
  configLoader: 'runner',
  logLevel: 'warn',
  resolve: { alias: { 'onnxplain/web': join(dist, 'browser/index.js') } },
  build: { outDir: join(dist, 'studio') },
})
