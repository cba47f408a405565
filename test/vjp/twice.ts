/**
 * Differentiates gradient graphs: by the gradient that arrives (which must give the Jacobian-vector product), and by each
 * input (the second derivative; where nothing connects them, differences must find zero). So every operator that a rule
 * emits is differentiated too.
 */
import { ExplainError } from '../../src/core/errors.js'
import type { Runtime } from '../../src/core/runtime.js'
import type { Tensor } from '../../src/core/tensor.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate, gradientName } from '../../src/vjp/differentiate.js'
import { random, seedOf } from '../support/random.js'
import { type Case, type FloatTensor, feedsOf, isFloat, loosen, opsetsOf, plainModel, withSession } from './case.js'
import { compare, type Failure } from './compare.js'
import { along, differences, withData } from './differences.js'
import { gradientGraph, type Rules } from './gradient.js'

export async function checkTwice(given: Case, runtime: Runtime, lacks?: Rules['lacks']): Promise<Failure[]> {
  const c = loosen(given)
  const variant = { declaration: 'static', probed: true, opset: opsetsOf(c.sample)[0] } as const
  const graph = await gradientGraph(c, variant, runtime, { lacks })
  const shapes = await probe(graph, runtime)
  const arriving = gradientName(c.of)
  const feeds = { ...feedsOf(c), [arriving]: c.gy }
  const failures: Failure[] = []
  const check = async (label: string, got: () => Promise<number[] | undefined>, want: () => Promise<number[]>) => {
    try {
      const numeric = await want()
      const found = (await got()) ?? numeric.map(() => 0)
      for (const f of compare('second', label, found, numeric, 2e-2, 5e-3)) failures.push({ ...f, variant: 'twice' })
    } catch (error) {
      const detail = `${label}: ${error instanceof Error ? error.message : String(error)}`
      failures.push({ by: 'error', variant: 'twice', detail })
    }
  }
  for (const input of c.wrt) {
    const x = c.tensors.get(input)
    if (!isFloat(x)) continue
    const r = random(seedOf(`${c.key}/${input}/direction`))
    const v = withData(x, () => r.normal())
    const of = gradientName(input)
    const pull = (wrt: string) => secondGradient(runtime, graph, { of, wrt, shapes, feeds, v, lacks })
    const push = () =>
      withSession(runtime, plainModel(c), (s) => along(s, Object.fromEntries(c.tensors), { [input]: v }, c.of))
    await check(`d ${of} / d ${arriving}`, () => pull(arriving), push)
    for (const wrt of c.wrt) {
      const numeric = () => withSession(runtime, graph, (s) => differences(s, feeds, wrt, of, v))
      await check(`d ${of} / d ${wrt}`, () => pull(wrt), numeric)
    }
  }
  return failures
}

interface Request {
  readonly of: string
  readonly wrt: string
  readonly shapes: Awaited<ReturnType<typeof probe>>
  readonly feeds: Readonly<Record<string, Tensor>>
  /** The gradient that arrives at the gradient. */
  readonly v: FloatTensor
  readonly lacks: Rules['lacks']
}

/** The gradient of a gradient; undefined where nothing connects the two. */
async function secondGradient(runtime: Runtime, graph: Graph, request: Request): Promise<number[] | undefined> {
  const { of, wrt, shapes, feeds, v, lacks } = request
  let second: Graph
  try {
    second = differentiate(graph, { of, wrt: [wrt], shapes, lacks })
  } catch (error) {
    if (error instanceof ExplainError && error.code === 'not-connected') return undefined
    throw error
  }
  const out = await withSession(runtime, second, (s) => s.run({ ...feeds, [gradientName(of)]: v }))
  // the first output is `of`; the second's name may have been taken by the first gradient
  const found = out[second.outputs[1]?.name ?? '']
  return isFloat(found) ? Array.from(found.data) : []
}
