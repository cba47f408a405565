/** A page that has onnxplain/web as a plain page has it, and calls to what test/web/page puts there. */
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { type Served, serveFolder } from '../../src/node/serve.js'
import { built } from '../cli/built.js'
import { unpack } from '../contract/packed.js'
import { fill, temporaryFolder } from '../node/support.js'
import { pathOf } from '../support/files.js'
import type { Tab, TestBrowser } from './browser.js'

/** The library as it is built, not a part of the test's own script. */
const asServed: Plugin = {
  name: 'as served',
  setup({ onResolve }) {
    onResolve({ filter: /src\/web\/index\.js$/ }, () => ({ path: '/onnxplain/dist/browser/index.js', external: true }))
  },
}

export interface Site extends Served {
  readonly folder: string
}

/** Serves the page, the package, and `files` by their paths on the server. */
export async function serveSite(
  files: ReadonlyMap<string, string>,
  options: { readonly isolated?: boolean } = {},
): Promise<Site> {
  const folder = fill(temporaryFolder(), {
    'index.html':
      '<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,"><script type="module" src="page.js"></script>',
  })
  await build({
    entryPoints: [pathOf('test/web/page/page.ts')],
    outfile: join(folder, 'page.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
    plugins: [asServed],
  })
  const served = await serveFolder(folder, { ...options, files: new Map([...(await packageFiles()), ...files]) })
  return { ...served, folder }
}

/** The package's own files and those of its dependencies, where docs/web.md tells plain pages to have them. */
async function packageFiles(): Promise<readonly (readonly [string, string])[]> {
  const { resolve } = createRequire(import.meta.url)
  const browser = '/onnxplain/dist/browser'
  const ort = dirname(resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))
  const inter = join(dirname(resolve('@fontsource/inter/package.json')), 'files')
  return [
    ...under(browser, join(await built(), 'dist/browser'), /\.js$/),
    ...under(`${browser}/onnxruntime-web`, ort, /^ort-wasm-simd-threaded(\.asyncify)?\.(mjs|wasm)$/),
    ...under(`${browser}/@fontsource/inter/files`, inter, /^inter-latin(-ext)?-[46]00-normal\.woff$/),
    ...under('/onnxplain/models/efficientnet-lite0', pathOf('models/efficientnet-lite0'), /\.json$/),
    ...under('/onnxplain/models/efficientnet-lite0/onnx', pathOf('models/efficientnet-lite0/onnx'), /\.onnx$/),
  ]
}

function under(place: string, folder: string, names: RegExp): readonly (readonly [string, string])[] {
  return readdirSync(folder)
    .filter((name) => names.test(name))
    .map((name) => [`${place}/${name}`, join(folder, name)])
}

/** Opens the page. */
export async function visit(browser: TestBrowser, { address }: Pick<Served, 'address'>): Promise<Tab> {
  const tab = await browser.newPage(address)
  await tab.page.goto(address)
  await tab.page.waitForFunction('globalThis.page')
  return tab
}

/** Calls a function of test/web/page. */
export async function call<T = unknown>({ page }: Tab, name: string, ...args: readonly unknown[]): Promise<T> {
  // what is undefined is left out, as it is by JSON
  const text = args.map((arg) => JSON.stringify(arg) ?? 'undefined').join(', ')
  return unpack(await page.evaluate<string>(`page[${JSON.stringify(name)}](${text})`)) as T
}

/** Files by their paths on a server: `/files/<name>`. */
export function served(paths: Readonly<Record<string, string>>): {
  readonly files: ReadonlyMap<string, string>
  readonly urls: Readonly<Record<string, string>>
} {
  const entries = Object.entries(paths).map(([name, path]) => [name, `/files/${basename(path)}`, path] as const)
  return {
    files: new Map(entries.map(([, url, path]) => [url, path])),
    urls: Object.fromEntries(entries.map(([name, url]) => [name, url])),
  }
}
