/** The same questions to Node and to every way to run in a browser: the same answers, maps, errors, and files. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, type Limits } from '../contract/alike.js'
import { GRAD_CAM, REFUSED, SHIPPED, SMALL } from '../contract/cases.js'
import { writeContract } from '../contract/networks.js'
import { nodeImage, nodeSubject } from '../contract/node.js'
import { type ImageFile, type ImageName, type Question, tell } from '../contract/question.js'
import { remove, temporaryFolder } from '../node/support.js'
import { pathOf } from '../support/files.js'
import { correlation, relativeL2 } from '../support/measures.js'
import { readNpyFloat32 } from '../support/npy.js'
import { expectQuiet, launch, type Tab, type TestBrowser } from './browser.js'
import { call, type Site, served, serveSite, visit } from './site.js'

const folder = temporaryFolder()
const { models, images } = await writeContract(folder)
const modelFiles = served(models)
const imageFiles = served(Object.fromEntries(Object.entries(images).map(([name, file]) => [name, file.path])))
afterAll(() => remove(folder))

/** Node's answers, asked once. */
const answers = new Map<Question, Promise<unknown>>()
const subjects = new Map<string, ReturnType<typeof nodeSubject>>()

async function nodes(question: Question): Promise<unknown> {
  const { model } = question
  const subject = subjects.get(model) ?? nodeSubject(model, models[model])
  subjects.set(model, subject)
  const answer = answers.get(question) ?? tell(await subject, question, async (name) => nodeImage(images[name]))
  answers.set(question, answer)
  return answer
}

/** What holds wherever it is asked. */
function expectRight(question: Question, answer: unknown): void {
  expect((answer as { readonly error?: { readonly code: string } }).error?.code).toBe(question.error)
  if (question.call !== 'explain' || !question.golden) return
  const { file, relative } = question.golden
  const { maps } = answer as { readonly maps: readonly { readonly raw: { readonly data: Float32Array } }[] }
  const got = maps[0]?.raw.data ?? []
  const want = readNpyFloat32(pathOf(`test/fixtures/golden/${file}.npy`)).data
  // large maps are stored as float16, scaled
  const scale = file.endsWith('-raw') ? 1 : SCALES[file]
  expect(correlation(got, want)).toBeGreaterThanOrEqual(0.999)
  if (scale !== undefined)
    expect(
      relativeL2(
        got,
        want.map((v) => v * scale),
      ),
    ).toBeLessThanOrEqual(relative)
}

const { default: SCALES } = (await import('../fixtures/golden/scales.json', { with: { type: 'json' } })) as {
  readonly default: Readonly<Record<string, number>>
}

describe('Node', () => {
  test.each([...SHIPPED, ...REFUSED, ...SMALL].map((q) => [q.name, q] as const))('%s', async (_, question) => {
    expectRight(question, await nodes(question))
  })
})

interface Way {
  readonly backend: 'wasm' | 'webgpu'
  readonly isolated: boolean
  readonly runtime: RegExp
  readonly threads: number
  readonly limits: Limits
  readonly questions: readonly Question[]
}

/** What WebGPU computes of them, the other networks hold too. */
const SLOW: readonly string[] = ['convnext', 'densenet', 'byobnet', 'efficientnet']
/**
 * The pass of guided backpropagation is the gradient's with a Relu behind each, and the very same where there is none, as in vit: resnet shows that
 * WebGPU computes it, and at the others' shapes the gradient shows it of every other kernel.
 */
const UNGUIDED: readonly string[] = ['vit', 'shufflenet']
const unguided = (question: Question): Question =>
  question.call === 'explain' && UNGUIDED.includes(question.model)
    ? { ...question, options: { ...question.options, method: ['grad-cam', 'gradient'] } }
    : question
const EXACT = { numbers: 1e-3, correlation: 0.999 }
const WAYS: Readonly<Record<string, Way>> = {
  'WebAssembly with threads': {
    backend: 'wasm',
    isolated: true,
    runtime: /^onnxruntime-web \S+ \(wasm x2\)$/,
    threads: 2,
    limits: EXACT,
    questions: [...SHIPPED, ...REFUSED, ...SMALL],
  },
  'WebAssembly on a page that is not isolated': {
    backend: 'wasm',
    isolated: false,
    runtime: /^onnxruntime-web \S+ \(wasm x1\)$/,
    threads: 1,
    limits: EXACT,
    questions: [...SHIPPED, ...REFUSED, ...SMALL],
  },
  // here by the processor, which takes seconds for what a graphics card does in milliseconds
  WebGPU: {
    backend: 'webgpu',
    isolated: true,
    runtime: /^onnxruntime-web \S+ \(webgpu\)$/,
    threads: 2,
    limits: { numbers: 1e-2, correlation: 0.999 },
    questions: [
      ...GRAD_CAM.slice(0, 1),
      ...REFUSED,
      ...SMALL.filter(({ model }) => !SLOW.includes(model)).map(unguided),
    ],
  },
}

describe.each(Object.entries(WAYS))('%s', (_, { backend, isolated, runtime, threads, limits, questions }) => {
  let browser: TestBrowser
  let site: Site
  let tab: Tab
  beforeAll(async () => {
    site = await serveSite(new Map([...modelFiles.files, ...imageFiles.files]), { isolated })
    browser = await launch({ webgpu: backend === 'webgpu', optimizing: true })
    tab = await visit(browser, site)
  })
  afterAll(async () => {
    await browser.close()
    await site.close()
    remove(site.folder)
  })

  test.each(questions.map((q) => [q.name, q] as const))('%s', async (_name, question) => {
    const places = {
      model: question.model === 'shipped' ? undefined : modelFiles.urls[question.model],
      images: imageUrls,
    }
    const options = { backend, threads: 2 }
    const asked = await call<Asked>(tab, 'ask', question, places, options)
    expect(asked.runtime).toMatch(runtime)
    expect(asked.threads).toBe(threads)
    expectRight(question, asked.answer)
    const [got, want] = [asked.answer, await nodes(question)].map(withoutRuntime)
    expect(differences(got, want, limits)).toEqual([])
  })

  // what may lie beside a model is looked for
  test('nothing went wrong beside', () => expectQuiet(tab, /config\.json/))
})

interface Asked {
  readonly answer: unknown
  readonly runtime: string
  readonly threads: number
}

const imageUrls = Object.fromEntries(
  Object.entries(images).map(([name, file]) => [name, { ...file, path: imageFiles.urls[name] }]),
) as Readonly<Record<ImageName, ImageFile>>

/** An answer as JSON has it, without the runtime's name. */
function withoutRuntime(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) return answer
  return Array.isArray(answer)
    ? answer.map(withoutRuntime)
    : Object.fromEntries(
        Object.entries(answer).flatMap(([key, value]) =>
          key === 'runtime' || value === undefined || typeof value === 'function' ? [] : [[key, withoutRuntime(value)]],
        ),
      )
}
