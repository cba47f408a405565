/**
 * Holds the gradients of the standard's own node tests to central differences:
 *
 *     python scripts/node-tests.py FOLDER
 *     npx tsx scripts/check-node-tests.ts FOLDER [OPERATOR...]
 *
 * Each test's model is differentiated, every float output by every float input, and run in ONNX Runtime on the test's own inputs. A sample
 * of each input's elements is compared with differences of the model's own answers at several steps. Where none fits and the slopes to
 * the left and to the right differ however small the step, or grow as it shrinks, the element sits on a kink and is skipped; both
 * are counted. Prints the counts
 * and what is behind them; exits with 1 where a gradient is wrong.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ExplainError } from '../src/core/errors.js'
import type { Runtime, Session } from '../src/core/runtime.js'
import type { Tensor } from '../src/core/tensor.js'
import { ortRuntime } from '../src/node/ort.js'
import { decode } from '../src/onnx/decode.js'
import { encode } from '../src/onnx/encode.js'
import type { Graph } from '../src/onnx/ir.js'
import { writeTensor } from '../src/onnx/tensors.js'
import { lower } from '../src/passes/lower.js'
import { probe } from '../src/passes/probe.js'
import { differentiate, gradientName } from '../src/vjp/differentiate.js'
import { ruleOf } from '../src/vjp/walk.js'
import { random, seedOf } from '../test/support/random.js'
import { needsShapes } from '../test/vjp/check.js'
import {
  areClose,
  compareElements,
  feedsFor,
  isFloatTensor,
  NotDeterministic,
  randomLike,
} from './node-tests/differences.js'
import { type NodeTest, readTest } from './node-tests/read.js'

/** What became of one test, of one output, or of one input. */
type Verdict = 'passed' | 'zero by nature' | 'unsupported' | 'cannot run' | 'nothing to differentiate' | 'failed'

interface Outcome {
  readonly verdict: Verdict
  readonly detail: string
  readonly compared: number
  readonly skipped: number
}

function outcome(verdict: Verdict, detail = '', compared = 0, skipped = 0): Outcome {
  return { verdict, detail, compared, skipped }
}

/** The worst that happened names the test; a test passes where some gradient was compared and none was wrong. */
const ORDER: readonly Verdict[] = [
  'failed',
  'cannot run',
  'passed',
  'unsupported',
  'zero by nature',
  'nothing to differentiate',
]

function together(outcomes: readonly Outcome[]): Outcome {
  const sum = (of: (o: Outcome) => number): number => outcomes.reduce((a, o) => a + of(o), 0)
  const verdict = ORDER.find((v) => outcomes.some((o) => o.verdict === v)) ?? 'nothing to differentiate'
  const details = outcomes.filter((o) => o.verdict === verdict && o.detail !== '').map((o) => o.detail)
  return outcome(
    verdict,
    [...new Set(details)].join('; '),
    sum((o) => o.compared),
    sum((o) => o.skipped),
  )
}

const READABLE: ReadonlySet<string> = new Set(
  'float32 float64 float16 int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool'.split(' '),
)

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function withSession<T>(runtime: Runtime, graph: Graph, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await runtime.createSession({ bytes: encode(graph), externalData: new Map() })
  try {
    return await use(session)
  } finally {
    await session.release()
  }
}

/**
 * Where a computed axis, shape or index is in the way, the test is taken again with its whole numbers stored in the model; where ONNX
 * Runtime does not take the operator, with the operator written out, which must then answer what the test says.
 */
async function check(test: NodeTest, runtime: Runtime): Promise<Outcome> {
  const { feeds } = test
  if (feeds === undefined) return outcome('nothing to differentiate', test.cannot)
  let graph: Graph
  try {
    graph = decode(test.model)
  } catch (error) {
    return outcome('failed', messageOf(error))
  }
  const result = await checkGraph({ test, graph, feeds, runtime })
  if (result.verdict === 'unsupported') {
    const fed = Object.fromEntries(Object.entries(feeds).filter(([, t]) => isFloatTensor(t)))
    const again = await checkGraph({ test, graph: withStored(graph, feeds), feeds: fed, runtime })
    return again.verdict === 'passed' ? again : result
  }
  if (result.verdict === 'cannot run' && test.outputs) {
    try {
      const written = lower(graph)
      const again = await checkGraph({ test, graph: written, feeds, runtime, answers: test.outputs })
      return again.verdict === 'cannot run' ? result : again
    } catch (error) {
      return outcome('cannot run', `${result.detail} (${messageOf(error)})`)
    }
  }
  return result
}

/** The model with its inputs of whole numbers as initialisers. */
function withStored(graph: Graph, feeds: Feeds): Graph {
  const stored = Object.entries(feeds).filter(([, t]) => !isFloatTensor(t))
  const names = new Set(stored.map(([name]) => name))
  const initializers = new Map([
    ...graph.initializers,
    ...stored.map(([name, t]) => [name, writeTensor(name, t)] as const),
  ])
  return graph.with({ inputs: graph.inputs.filter((i) => !names.has(i.name)), initializers })
}

type Feeds = Readonly<Record<string, Tensor>>

interface Taken {
  readonly test: NodeTest
  readonly graph: Graph
  readonly feeds: Feeds
  readonly runtime: Runtime
  /** What the graph must answer. */
  readonly answers?: Feeds
}

async function checkGraph({ test, graph, feeds, runtime, answers = {} }: Taken): Promise<Outcome> {
  const inputs = Object.entries(feeds).flatMap(([name, t]) => (isFloatTensor(t) && t.data.length > 0 ? [name] : []))
  if (inputs.length === 0) return outcome('nothing to differentiate', 'no input of floats')
  try {
    return await withSession(runtime, graph, async (session) => {
      // asking ONNX Runtime's binding for elements of less than a byte ends the process
      const odd = session.outputs.find((o) => o.type === undefined || !READABLE.has(o.type))
      if (odd) return outcome('nothing to differentiate', `outputs of ${odd.type ?? 'no tensors'}`)
      const out = await session.run(feeds)
      const other = Object.entries(answers).find(([name, t]) => !areClose(out[name], t))
      if (other) return outcome('failed', `${other[0]} is not what the test says`)
      const outputs = Object.entries(out).flatMap(([name, t]) => (isFloatTensor(t) ? [name] : []))
      if (outputs.length === 0) return outcome('zero by nature', 'no output of floats')
      const pairs = outputs.flatMap((of) => inputs.map((wrt) => ({ of, wrt })))
      const found: Outcome[] = []
      for (const { of, wrt } of pairs)
        found.push(await checkPair({ graph, session, feeds, out, of, wrt, runtime, test }))
      return together(found)
    })
  } catch (error) {
    if (error instanceof NotDeterministic) return outcome('zero by nature', 'noise')
    return outcome('cannot run', messageOf(error))
  }
}

interface Pair {
  readonly graph: Graph
  readonly session: Session
  readonly feeds: Feeds
  readonly out: Feeds
  readonly of: string
  readonly wrt: string
  readonly runtime: Runtime
  readonly test: NodeTest
}

/** Whether only operators read the value that take it as given: regions, sizes, scales of quantisation. */
function isTakenAsGiven(graph: Graph, value: string): boolean {
  const readers = graph.consumers(value)
  return readers.length > 0 && readers.every((n) => n.inputs.indexOf(value) >= (ruleOf(n)?.inputs ?? n.inputs.length))
}

/** One output by one input. */
async function checkPair({ graph, session, feeds, out, of, wrt, runtime, test }: Pair): Promise<Outcome> {
  const y = out[of]
  if (!y) return outcome('failed', `no output ${of}`)
  const gy = randomLike(y, random(seedOf(`${test.name}/${of}`)))
  const compare = (gradient: Tensor | undefined): Promise<{ wrong: string[]; compared: number; skipped: number }> =>
    compareElements({ session, feeds, wrt, of, gy, gradient, seed: seedOf(`${test.name}/${wrt}`) })
  let gradient: Graph
  try {
    gradient = differentiate(graph, { of, wrt: [wrt], shapes: await probe(graph, runtime) })
  } catch (error) {
    const code = error instanceof ExplainError ? error.code : undefined
    if (code === 'not-connected' && isTakenAsGiven(lower(graph), wrt))
      return outcome('zero by nature', 'taken as given')
    if (code === 'not-connected') {
      const { wrong, compared, skipped } = await compare(undefined)
      if (wrong.length > 0) return outcome('failed', `${of} by ${wrt}, said to be zero: ${wrong[0]}`, compared, skipped)
      return outcome('zero by nature', '', compared, skipped)
    }
    const refused = code === 'unsupported-operator' || code === 'unsupported-opset' || needsShapes(error)
    return outcome(refused ? 'unsupported' : 'failed', `${of} by ${wrt}: ${messageOf(error)}`)
  }
  let made: Tensor | undefined
  try {
    const back = await withSession(runtime, gradient, (s) =>
      s.run(feedsFor(s, { ...feeds, [gradient.inputs.at(-1)?.name ?? '']: gy })),
    )
    made = back[gradientName(wrt)]
  } catch (error) {
    return outcome('failed', `${of} by ${wrt}: ${messageOf(error)}`)
  }
  const { wrong, compared, skipped } = await compare(made)
  if (wrong.length > 0) return outcome('failed', `${of} by ${wrt}: ${wrong.slice(0, 3).join(', ')}`, compared, skipped)
  return outcome('passed', '', compared, skipped)
}

async function main(folder: string, wanted: readonly string[]): Promise<boolean> {
  const runtime = await ortRuntime({ threads: 1 })
  const found: { readonly test: NodeTest; readonly result: Outcome }[] = []
  for (const file of readdirSync(folder).sort()) {
    const test = readTest(join(folder, file))
    if (wanted.length > 0 && !wanted.includes(test.op.split(' ')[0] ?? '')) continue
    found.push({ test, result: await check(test, runtime) })
  }
  const sum = (of: (o: Outcome) => number): number => found.reduce((a, f) => a + of(f.result), 0)
  for (const { test, result } of found)
    if (result.verdict === 'failed') console.log(`- ${test.name} (${test.op}): ${result.detail.slice(0, 400)}`)
  for (const verdict of ['unsupported', 'cannot run', 'zero by nature'] as const) {
    const these = found.filter((f) => f.result.verdict === verdict)
    const operators = new Set(these.map((f) => f.test.op))
    if (these.length > 0) console.log(`\n## ${verdict}\n`)
    for (const op of operators) {
      const own = these.filter((f) => f.test.op === op)
      console.log(`- ${op}, ${own.length}: ${own[0]?.result.detail.slice(0, 200)}`)
    }
  }
  console.log(`\n${runtime.name}\n\n| verdict | tests |\n| --- | --- |`)
  for (const verdict of ORDER)
    console.log(`| ${verdict} | ${found.filter((f) => f.result.verdict === verdict).length} |`)
  const plain = found.filter((f) => !f.test.op.includes(' '))
  const ran = new Set(plain.filter((f) => f.result.verdict !== 'cannot run').map((f) => f.test.op))
  const never = new Set(plain.map((f) => f.test.op).filter((op) => !ran.has(op)))
  console.log(`\nNone of the tests of these runs: ${[...never].join(', ') || 'no operator'}`)
  console.log(`\n${sum((o) => o.compared)} elements compared, ${sum((o) => o.skipped)} skipped at kinks`)
  return found.every((f) => f.result.verdict !== 'failed')
}

const [folder, ...operators] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: npx tsx scripts/check-node-tests.ts FOLDER [OPERATOR...]')
  process.exitCode = 2
} else if (!(await main(folder, operators))) process.exitCode = 1
