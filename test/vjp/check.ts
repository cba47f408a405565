/**
 * Checks one rule on one sample: its gradients against central differences computed in ORT, and against PyTorch's; the
 * gradients of its gradients (so that every operator it emits is differentiated too) against central differences of these.
 */
import { ExplainError } from '../../src/core/errors.js'
import type { Runtime } from '../../src/core/runtime.js'
import type { Tensor } from '../../src/core/tensor.js'
import { DECOMPOSITIONS } from '../../src/passes/decompositions/index.js'
import { gradientName } from '../../src/vjp/differentiate.js'
import { sharedSessions } from '../support/shared-sessions.js'
import {
  type Case,
  DECLARATIONS,
  feedsOf,
  isFloat,
  loosen,
  makeCase,
  opsetsOf,
  plainModel,
  withSession,
} from './case.js'
import { compare, compareNorm, type Failure, type Finding } from './compare.js'
import { differences } from './differences.js'
import { type Fixtures, fixtureOf } from './fixtures.js'
import { gradientGraph, type Rules, type Variant } from './gradient.js'
import { isPinned, type Sample } from './sample.js'
import { checkTwice } from './twice.js'

export interface CheckOptions extends Rules {
  readonly runtime: Runtime
  readonly fixtures: Fixtures
  /** One variant only, and no second derivatives. */
  readonly quick?: boolean
}

interface LeveledVariant extends Variant {
  readonly levels: readonly ('all' | 'disabled')[]
}

type Expected = (input: string, got: readonly number[]) => Finding[]

/** Optimisation matters through ties, not through shapes, so it is turned off only where shapes are probed. */
function variantsOf(sample: Sample): LeveledVariant[] {
  const [main, ...others] = opsetsOf(sample)
  return [
    ...DECLARATIONS.flatMap((declaration): LeveledVariant[] => [
      { declaration, probed: true, opset: main, levels: ['all', 'disabled'] },
      { declaration, probed: false, opset: main, levels: ['all'] },
    ]),
    ...others.map((opset): LeveledVariant => ({ declaration: 'static', probed: true, opset, levels: ['all'] })),
    ...others.map((opset): LeveledVariant => ({ declaration: 'symbolic', probed: false, opset, levels: ['all'] })),
  ]
}

function print(v: Variant): string {
  return `opset ${v.opset}, ${v.declaration} shapes, ${v.probed ? 'probed' : 'not probed'}`
}

/** All that is wrong with a rule on a sample; empty where nothing is. */
export async function checkRule(op: string, sample: Sample, options: CheckOptions): Promise<Failure[]> {
  // the models of variants are the same where a rule needs no shapes, and differences are taken of one model again and again
  const runtime = sharedSessions(options.runtime)
  try {
    return await checkOn(op, sample, { ...options, runtime })
  } finally {
    await runtime.close()
  }
}

async function checkOn(op: string, sample: Sample, options: CheckOptions): Promise<Failure[]> {
  const { runtime, fixtures, quick, ...rules } = options
  const c = await makeCase(op, sample, runtime)
  const expected = await expectedOf(c, runtime, fixtures)
  const failures: Failure[] = []
  for (const variant of variantsOf(sample).slice(0, quick ? 1 : undefined)) {
    const at = (found: readonly Finding[], more = ''): void => {
      for (const f of found) failures.push({ ...f, variant: print(variant) + more })
    }
    try {
      const gradient = await gradientGraph(c, variant, runtime, rules)
      for (const level of variant.levels)
        await withSession(
          runtime,
          gradient,
          async (session) => {
            const out = await session.run({ ...feedsOf(c), [gradientName(c.of)]: c.gy })
            for (const input of c.wrt) at(judge(c, input, out[gradientName(input)], expected), `, ${level}`)
          },
          level,
        )
    } catch (error) {
      if (mayRefuse(op, variant) && needsShapes(error)) continue
      at([{ by: 'error', detail: error instanceof Error ? error.message : String(error) }])
    }
  }
  if (isPinned(sample) || sample.twice === false || sample.estimated || quick || failures.length > 0) return failures
  return checkTwice(loosen(c), runtime, rules.lacks)
}

/** Where a rank is not known: the model tells none, or the value was made by writing an operator out, and nothing was probed. */
export function mayRefuse(op: string, variant: Pick<Variant, 'declaration' | 'probed'>): boolean {
  return variant.declaration === 'none' || (!variant.probed && Object.hasOwn(DECOMPOSITIONS, op))
}

/** True for the refusal of a rule that needs a rank, which says what to do. */
export function needsShapes(error: unknown): boolean {
  return (
    error instanceof ExplainError && error.code === 'shape-mismatch' && error.message.includes('probe(graph, runtime)')
  )
}

function judge(c: Case, input: string, got: Tensor | undefined, expected: Expected): Finding[] {
  const x = c.tensors.get(input)
  if (!isFloat(got) || !isFloat(x)) return [{ by: 'shape', detail: `no float gradient of ${input}` }]
  if (got.type !== x.type || got.dims.join() !== x.dims.join())
    return [{ by: 'shape', detail: `${input}: ${got.type}[${got.dims}] instead of ${x.type}[${x.dims}]` }]
  return expected(input, Array.from(got.data))
}

async function expectedOf(c: Case, runtime: Runtime, fixtures: Fixtures): Promise<Expected> {
  const { sample } = c
  if (isPinned(sample)) {
    const { gradients } = sample.pin
    return (input, got) => compare('pin', input, got, gradients[c.wrt.indexOf(input)] ?? [], 1e-6, 1e-6)
  }
  const torch = sample.noTorch === undefined ? fixtureOf(fixtures, c) : undefined
  const numeric = sample.estimated ? undefined : await differencesOf(c, runtime)
  return (input, got) => {
    const failures = numeric ? compare('differences', input, got, numeric.get(input) ?? [], 1e-2, 1e-3) : []
    if (torch === undefined) return failures
    if (typeof torch === 'string') return [...failures, { by: 'pytorch', detail: torch }]
    return [...failures, ...compareNorm(input, got, torch.get(input) ?? new Float32Array())]
  }
}

async function differencesOf(c: Case, runtime: Runtime): Promise<ReadonlyMap<string, readonly number[]>> {
  return withSession(runtime, plainModel(c), async (s) => {
    const found = new Map<string, number[]>()
    for (const input of c.wrt) found.set(input, await differences(s, Object.fromEntries(c.tensors), input, c.of, c.gy))
    return found
  })
}
