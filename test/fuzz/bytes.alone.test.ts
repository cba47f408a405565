/**
 * Damaged models: 10,000 mutants of small models are read, lowered and compiled. Each must give a result or one ExplainError, soon, and
 * without filling the memory. A mutant is known by its number: `mutant(1234)`.
 */
import vm from 'node:vm'
import { beforeAll, describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { compile } from '../../src/explain/index.js'
import { decode } from '../../src/onnx/decode.js'
import { encodeSkeleton } from '../../src/onnx/encode.js'
import type { Shapes } from '../../src/onnx/shapes.js'
import { probe } from '../../src/passes/probe.js'
import { runtime } from '../support/ort.js'
import { MUTATIONS, mutant } from './mutate.js'
import { EXTERNAL, SEEDS } from './seeds.js'

const CASES = 10_000
const PER_TEST = 1_000
/** One case takes about a millisecond. */
const TIMEOUT_MS = 5_000
const MEMORY = 1 << 30

/** What is known of the seeds' values: what mutants are told of theirs, so that it may be wrong. */
const shapesOf = new Map<string, Shapes>()

beforeAll(async () => {
  for (const { name, bytes } of SEEDS)
    shapesOf.set(name, await probe(decode(bytes, { externalData: EXTERNAL }), runtime))
})

/** Runs work that may hang: it is stopped after {@link TIMEOUT_MS}. */
const context = vm.createContext({ work: undefined })
const script = new vm.Script('work()')

function stopped(work: () => void): void {
  Object.assign(context, { work })
  script.runInContext(context, { timeout: TIMEOUT_MS })
}

/** What becomes of a mutant: `compiled`, the code of an error, or what should not have happened. */
function fate(number: number): string {
  const { seed, bytes } = mutant(number)
  const shapes = number % 2 === 0 ? shapesOf.get(seed.name) : undefined
  const method = number % 3 === 0 ? 'grad-cam' : 'gradient'
  try {
    stopped(() => {
      const graph = decode(bytes, { externalData: EXTERNAL })
      encodeSkeleton(compile(graph, { method, ...(shapes ? { shapes } : {}) }).graph)
    })
    return 'compiled'
  } catch (error) {
    if (error instanceof ExplainError) return error.code
    return error instanceof Error ? `${error.stack}` : `thrown: ${error}`
  }
}

describe('mutated bytes', () => {
  test.each(Array.from({ length: CASES / PER_TEST }, (_, i) => i * PER_TEST))('from %i on', (first) => {
    const codes = new Set<string>()
    for (let number = first; number < first + PER_TEST; number++) {
      const found = fate(number)
      const { by, seed } = mutant(number)
      if (found.includes(' ')) expect.fail(`mutant(${number}), ${seed.name}, ${by}: ${found}`)
      const used = process.memoryUsage.rss()
      if (used > MEMORY) expect.fail(`mutant(${number}), ${seed.name}, ${by}: ${used} bytes of memory`)
      codes.add(found)
    }
    // some still compile, and others are refused for several reasons: the mutations are neither too weak nor too strong
    expect(codes).toContain('compiled')
    expect(codes.size).toBeGreaterThanOrEqual(5)
  })

  test('every mutation is drawn, and every seed', () => {
    const drawn = Array.from({ length: 1_000 }, (_, i) => mutant(i))
    const names = new Set(drawn.flatMap((m) => m.by.split(', ')))
    expect(MUTATIONS.filter((name) => !names.has(name))).toEqual([])
    expect(new Set(drawn.map((m) => m.seed)).size).toBe(SEEDS.length)
  })
})
