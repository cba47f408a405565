/**
 * The package as a user gets it: packed, installed into an empty folder, run and imported there. What npm needs to install it is in its
 * cache after `npm ci`.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeNpy } from '../../src/onnx/npy.js'
import { expectDrawn, filesOf, type Ran, run } from '../cli/command.js'
import { fill, remove } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { correlation } from '../support/measures.js'
import { NPM, type Packed, packInto } from './packed.js'

const MEGABYTE = 2 ** 20
/**
 * A package that is fetched with every `npx` stays small; most of it is the shipped models: 9.3 MB for classes, 3.6 MB for captions and answers. The code is there for Node, once more
 * bundled for pages and two workers, and once more in the studio, with its pictures and fonts; ONNX Runtime is nowhere in it.
 */
const BUDGET = { packed: 15 * MEGABYTE, node: 2.2 * MEGABYTE, browser: 1.9 * MEGABYTE, studio: 2.5 * MEGABYTE }

let home: string
let consumer: string
let packed: Packed

const npm = async (folder: string, ...args: readonly string[]): Promise<string> => {
  const ran = await run(folder, 'npm', args, NPM)
  expect(ran.code, ran.stderr).toBe(0)
  return ran.stdout
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'onnxplain-pack-'))
  packed = await packInto(home)
  consumer = join(home, 'consumer')
  mkdirSync(consumer)
  fill(consumer, { 'package.json': { private: true, type: 'module' } })
  await npm(consumer, 'install', '--prefer-offline', '--no-audit', '--no-fund', join(home, packed.filename))
}, 300_000)

afterAll(() => remove(home))

describe('what is packed', () => {
  test('code, types, the model and the papers; no sources, no tests', () => {
    const paths = packed.files.map((f) => f.path)
    for (const wanted of [
      'package.json',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
      'NOTICE',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/node/index.js',
      'dist/node/index.d.ts',
      'dist/cli/main.js',
      'dist/web/index.d.ts',
      'dist/browser/index.js',
      'dist/browser/worker.js',
      'dist/browser/worker-webgpu.js',
      'dist/studio/index.html',
      'models/efficientnet-lite0/onnx/model.onnx',
      'models/efficientnet-lite0/config.json',
      'models/efficientnet-lite0/preprocessor_config.json',
      'models/efficientnet-lite0/LICENSE.upstream',
      'models/shapes-captioner/config.json',
      'models/shapes-captioner/generation_config.json',
      'models/shapes-captioner/preprocessor_config.json',
      'models/shapes-vqa/config.json',
      'models/shapes-vqa/preprocessor_config.json',
    ])
      expect(paths).toContain(wanted)
    expect(paths.filter((p) => /\.ts$/.test(p) && !p.endsWith('.d.ts'))).toEqual([])
    expect(paths.filter((p) => /(^|[/.])(test|tests|fixtures|scripts|bench|src)([/.]|$)/.test(p))).toEqual([])
    expect(paths.filter((p) => /^\.|tsconfig|package-lock/.test(p))).toEqual([])
  })

  test('stays within its size', () => {
    expect(packed.size).toBeLessThan(BUDGET.packed)
    const sizeOf = (part: RegExp): number =>
      packed.files.filter((f) => part.test(f.path)).reduce((sum, f) => sum + f.size, 0)
    expect(sizeOf(/^dist\/(?!browser|studio)/)).toBeLessThan(BUDGET.node)
    expect(sizeOf(/^dist\/browser\//)).toBeLessThan(BUDGET.browser)
    expect(sizeOf(/^dist\/studio\//)).toBeLessThan(BUDGET.studio)
  })

  test('ONNX Runtime is not in it, each model once, and none of their examples', () => {
    const paths = packed.files.map((f) => f.path)
    expect(paths.filter((p) => /ort-wasm|\.wasm$/.test(p))).toEqual([])
    expect(paths.filter((p) => p.endsWith('.onnx')).sort()).toEqual([
      'models/efficientnet-lite0/onnx/model.onnx',
      'models/shapes-captioner/onnx/decoder_model.onnx',
      'models/shapes-captioner/onnx/encoder_model.onnx',
      'models/shapes-vqa/onnx/model.onnx',
    ])
    expect(paths.filter((p) => p.includes('/examples/'))).toEqual([])
  })

  test('the command can be run: a shebang on its first line', () => {
    const main = join(consumer, 'node_modules/onnxplain/dist/cli/main.js')
    expect(readFileSync(main, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    if (process.platform !== 'win32') expect(statSync(main).mode & 0o111).not.toBe(0)
  })
})

describe('npx onnxplain', () => {
  const npx = (...args: readonly string[]): Promise<Ran> =>
    run(consumer, 'npx', ['--no-install', 'onnxplain', ...args], NPM)

  test('draws a picture', async () => {
    copyFileSync(pathOf('examples/cat-and-coffee.jpg'), join(consumer, 'cat.jpg'))
    const ran = await npx('cat.jpg', '--method', 'grad-cam')
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toContain('Egyptian cat')
    expect(filesOf(consumer)).toContain('cat.onnxplain.png')
    await expectDrawn(join(consumer, 'cat.onnxplain.png'), 'png')
  })

  test('captions and answers come with it', async () => {
    copyFileSync(pathOf('models/shapes-captioner/examples/03.png'), join(consumer, 'scene.png'))
    const caption = await npx('caption', 'scene.png', '--json', '--quiet', '-t', 'square')
    expect(JSON.parse(caption.stdout).caption.text).toBe('a large orange square left of a small blue cross')
    const answer = await npx('ask', 'scene.png', 'what color is the cross?', '--json', '--quiet')
    expect(JSON.parse(answer.stdout).answers[0].label).toBe('blue')
  })

  test('without onnxruntime-node WebAssembly stands in, gives the same map, and says so once', async () => {
    copyFileSync(pathOf('examples/cat-and-coffee.jpg'), join(consumer, 'cat.jpg'))
    const args = ['cat.jpg', '--method', 'grad-cam', '-t', 'espresso', '--raw']
    const native = join(consumer, 'node_modules/onnxruntime-node')
    expect(await npx(...args, 'native.npy')).toMatchObject({ code: 0, stderr: '' })
    renameSync(native, `${native}.away`)
    try {
      const ran = await npx(...args, 'wasm.npy')
      expect(ran.stderr).toMatch(/^onnxplain: onnxruntime-node is not available: [^\n]*WebAssembly[^\n]*\n$/)
      expect(ran.code).toBe(0)
    } finally {
      renameSync(`${native}.away`, native)
    }
    const [a, b] = ['native.npy', 'wasm.npy'].map((f) => decodeNpy(readFileSync(join(consumer, f)), f).data)
    expect(correlation(a ?? [], b ?? [])).toBeGreaterThan(0.999)
  })
})

describe('imports', () => {
  const script = async (code: string): Promise<Ran> => {
    fill(consumer, { 'script.mjs': code })
    return run(consumer, process.execPath, ['script.mjs'])
  }

  test('every subpath, with nothing on standard error', async () => {
    const { exports } = JSON.parse(readFileSync(pathOf('package.json'), 'utf8')) as { exports: Record<string, unknown> }
    const subpaths = Object.keys(exports).filter((path) => !path.endsWith('.json'))
    expect(subpaths).toEqual(expect.arrayContaining(['.', './node']))
    for (const subpath of subpaths.filter((path) => path !== './web')) {
      const name = `onnxplain${subpath.slice(1)}`
      const ran = await script(`const all = await import('${name}'); console.log(Object.keys(all).length)`)
      expect(ran, name).toMatchObject({ code: 0, stderr: '' })
      expect(Number(ran.stdout)).toBeGreaterThan(3)
    }
  })

  test('the engine differentiates and compiles, handed nothing but bytes', async () => {
    const ran = await script(`
      import { readFileSync } from 'node:fs'
      import { compile, decode, differentiate, encode } from 'onnxplain'
      const bytes = readFileSync('node_modules/onnxplain/models/efficientnet-lite0/onnx/model.onnx')
      const graph = decode(bytes)
      const gradient = differentiate(graph, { of: graph.outputs[0].name, wrt: [graph.inputs[0].name] })
      console.log(encode(gradient).length > bytes.length)
      console.log(compile(graph, { method: 'gradient' }).graph.outputs.map((o) => o.name).join())
    `)
    expect(ran.stderr).toBe('')
    expect(ran.stdout.split('\n').slice(0, 2)).toEqual(['true', expect.stringMatching(/,heatmap$/)])
  })

  test('what is not exported cannot be imported', async () => {
    const ran = await script(`await import('onnxplain/dist/core/errors.js')`)
    expect(ran.stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

test('the types are found, and fit the way the package is used', async () => {
  fill(consumer, {
    'use.ts': `
      import { compile, decode, differentiate, encode, ExplainError, type Plan, type Runtime } from 'onnxplain'
      import { open, type NodeExplanation } from 'onnxplain/node'

      export async function use(bytes: Uint8Array, runtime: Runtime): Promise<Uint8Array> {
        await using model = await open('resnet50.onnx', { runtime, warn: (line) => line.length })
        const [best] = await model.classify('cat.jpg')
        const label: string | undefined = best?.label
        const result: NodeExplanation = await model.explain('cat.jpg', { method: 'grad-cam', target: label ?? 'espresso' })
        const raw: Float32Array = result.raw.data
        const shape: readonly number[] = result.raw.dims
        const layer: string | undefined = result.raw.layer
        const pixels: number = result.heatmap.width * result.heatmap.height + raw.length + shape.length
        const hash: string | null = result.provenance.model.sha256
        await result.save(\`\${hash}-\${layer}-\${pixels}.png\`)
        const plan: Plan = compile(decode(bytes), { method: ['cam', 'grad-cam'] })
        const gradient = differentiate(decode(bytes), { of: 'logits', wrt: ['pixel_values'] })
        return encode(plan.maps.length > 0 ? plan.graph : gradient)
      }

      export const code = (error: unknown): string => (error instanceof ExplainError ? error.code : '')
      // @ts-expect-error: a score is logit or probability
      export const wrong = async () => (await open()).explain('cat.jpg', { score: 'loss' })
    `,
    'tsconfig.json': {
      compilerOptions: {
        target: 'ES2022',
        module: 'NodeNext',
        lib: ['ES2023', 'ESNext.Disposable', 'DOM'],
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        skipDefaultLibCheck: true, // TypeScript's own; the package's are looked at
      },
      include: ['use.ts'],
    },
  })
  await expectTyped('.')
})

test("the types of onnxplain/web are found by a bundler, and by Node's own rules", async () => {
  const use = `
    import { type Explanation, ExplainError, type ImageSource, open, type OpenOptions, type WebModel } from 'onnxplain/web'

    export async function use(image: ImageSource, canvas: OffscreenCanvas, options: OpenOptions): Promise<Blob> {
      using model: WebModel = await open(new URL('net.onnx', location.href), { backend: 'wasm', threads: 2, ...options })
      const [best] = await model.classify(canvas, { top: 1 })
      const result = await model.explain(image, { target: best?.index ?? 0, onProgress: ({ partial }) => partial().length })
      const explanation: Explanation = result
      const bytes: Uint8Array = await model.compile({ method: ['cam', 'grad-cam'] })
      return explanation.heatmap.width > bytes.length ? new Blob() : result.toBlob({ type: 'image/webp' })
    }

    export const code = (error: unknown): string => (error instanceof ExplainError ? error.code : '')
    // @ts-expect-error: there are wasm and webgpu
    export const wrong = async () => open(undefined, { backend: 'webgl' })
  `
  const resolutions = { bundler: ['ESNext', 'Bundler'], node: ['NodeNext', 'NodeNext'] } as const
  for (const [name, [module, moduleResolution]] of Object.entries(resolutions)) {
    fill(consumer, {
      [`web-${name}/use.ts`]: use,
      [`web-${name}/tsconfig.json`]: {
        compilerOptions: {
          target: 'ES2022',
          module,
          moduleResolution,
          lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
          types: [],
          strict: true,
          noEmit: true,
          skipDefaultLibCheck: true,
        },
        include: ['use.ts'],
      },
    })
    await expectTyped(`web-${name}`)
  }
})

async function expectTyped(project: string): Promise<void> {
  const ran = await run(consumer, process.execPath, [pathOf('node_modules/typescript/bin/tsc'), '-p', project])
  expect(ran.stdout).toBe('')
  expect(ran.code).toBe(0)
}
