/**
 * How each operator is covered, read from the tables that the engine itself works by: rules, decompositions, passes, zero gradients, and
 * what is not supported. There is no other list.
 */
import { readFileSync } from 'node:fs'
import { decompositionOf } from '../../src/passes/decompose.js'
import { DECOMPOSITIONS } from '../../src/passes/decompositions/index.js'
import { PASSES } from '../../src/passes/lower.js'
import type { RuleEntry } from '../../src/vjp/rule.js'
import { RULES, ZERO_GRADIENT } from '../../src/vjp/rules/index.js'
import { UNSUPPORTED, whyUnsupported } from '../../src/vjp/unsupported.js'
import { isPinned, type Sample } from '../../test/vjp/sample.js'
import { GROUPS } from '../../test/vjp/samples/index.js'
import { ZERO_MODELS } from '../../test/vjp/zero.js'

export interface StandardOperator {
  /** The opsets that brought or changed it. */
  readonly versions: readonly number[]
  /** The opset that took it away. */
  readonly removed?: number
}

export interface Standard {
  readonly package: string
  /** The newest opset of the list. */
  readonly opset: number
  readonly operators: Readonly<Record<string, StandardOperator>>
  /** How many operators the other domains of the standard have. */
  readonly otherDomains: Readonly<Record<string, number>>
}

/** The operators of the standard, as scripts/onnx_operators.py wrote them down. */
export function readStandard(): Standard {
  return JSON.parse(readFileSync(new URL('onnx-operators.json', import.meta.url), 'utf8'))
}

/** The forms of operators that the runtime has no kernel for, as scripts/missing-kernels.ts wrote them down. */
export function readMissingKernels(): {
  readonly runtime: string
  readonly operators: Readonly<Record<string, readonly number[]>>
} {
  return JSON.parse(readFileSync(new URL('missing-kernels.json', import.meta.url), 'utf8'))
}

export interface Coverage {
  readonly state: 'rule' | 'decomposition' | 'pass' | 'zero' | 'unsupported'
  /** The convention at ties and edges, what the operator becomes, or why it has no gradient. */
  readonly says: string
  /** The test file, where it is not a family of samples. */
  readonly shownBy?: string | undefined
}

function find<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/** Undefined where no table has the operator. */
export function coverageOf(name: string): Coverage | undefined {
  for (const pass of PASSES) {
    const becomes = find(pass.rewrites ?? {}, name)
    if (becomes !== undefined) return { state: 'pass', says: becomes, shownBy: pass.shownBy }
  }
  const decomposition = decompositionOf(name)
  if (decomposition) return { state: 'decomposition', says: decomposition.ties ?? '' }
  const rule = find<RuleEntry>(RULES, name)
  if (rule) return { state: 'rule', says: rule.ties ?? '' }
  const zero = find<string>(ZERO_GRADIENT, name)
  const shownBy = ZERO_MODELS.has(name) ? 'test/vjp/zero.test.ts' : undefined
  if (zero !== undefined) return { state: 'zero', says: zero, shownBy }
  const why = whyUnsupported(name)
  return why === undefined ? undefined : { state: 'unsupported', says: why }
}

/** Every operator that some table knows, the standard's or not. */
export function coveredOperators(): readonly string[] {
  const rewritten = PASSES.flatMap((pass) => Object.keys(pass.rewrites ?? {}))
  const tables = [RULES, DECOMPOSITIONS, ZERO_GRADIENT, UNSUPPORTED].flatMap((table) => Object.keys(table))
  return [...new Set([...rewritten, ...tables])].sort()
}

/** The families of samples that test an operator, under its own name or as an older form of another. */
export function samplesOf(name: string): readonly string[] {
  const nameOf = (n: { op: string; domain?: string }): string => (n.domain ? `${n.domain}.${n.op}` : n.op)
  const tests = ([key, samples]: [string, readonly Sample[]]): boolean =>
    samples.some((s) => !isPinned(s) && ((s.operator ?? key) === name || s.behind?.some((n) => nameOf(n) === name)))
  return Object.entries(GROUPS).flatMap(([group, samples]) => (Object.entries(samples).some(tests) ? [group] : []))
}
