// Builds all that is packed: `node scripts/build.mjs [FOLDER]` (default: dist). Types by TypeScript, what runs by esbuild, the studio by
// Vite.
import { execFile } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build as bundle } from 'esbuild'
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

/**
 * The library, its part for Node and the command, in a few files: Node takes longer to load hundreds of modules than to find out what a network
 * looked at. What they share lies in `chunks`, as far below `models` as the sources are.
 */
const bundleNode = () =>
  bundle({
    entryPoints: ['index', 'node/index', 'cli/main'].map((name) => ({ in: join(root, `src/${name}.ts`), out: name })),
    outdir: dist,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  }).then(() => chmodSync(join(dist, 'cli/main.js'), 0o755))

// nothing of an older layout is packed
rmSync(dist, { recursive: true, force: true })
await Promise.all([
  tsc('tsconfig.build.json'),
  bundleNode(),
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
