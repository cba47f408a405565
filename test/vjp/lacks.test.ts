/** Rules for runtimes without some kernels: other forms, the same gradients. */
import { describe, expect, test } from 'vitest'
import type { Lack } from '../../src/core/runtime.js'
import { declare } from '../../src/onnx/builder.js'
import type { Graph, Node } from '../../src/onnx/ir.js'
import { subgraphs } from '../../src/onnx/subgraphs.js'
import { differentiate, gradientName } from '../../src/vjp/differentiate.js'
import type { Override, RuleCall } from '../../src/vjp/rule.js'
import { toFirstMaximum } from '../../src/vjp/rules/first-maximum.js'
import { type Pooling, poolingOf } from '../../src/vjp/rules/window.js'
import { relativeL2 } from '../support/measures.js'
import { graphProto, model } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'
import { feedsOf, makeCase, withSession } from './case.js'
import { checkRule } from './check.js'
import type { Failure } from './compare.js'
import { readFixtures } from './fixtures.js'
import { gradientGraph } from './gradient.js'
import { isPinned, type Sample } from './sample.js'
import { SAMPLES } from './samples/index.js'
import { emittedBy, hasRule } from './suite.js'

const fixtures = readFixtures()

/** Kernels that rules do without; the rest is a pass's business. */
type Ruled = Exclude<Lack, 'Conv 3k channels'>

/** What is looked for, and the samples whose rules would use it. */
const KERNELS: Readonly<Record<Ruled, { isUse(n: Node): boolean; samples: readonly (readonly [string, Sample])[] }>> = {
  'ConvTranspose 3-D': {
    isUse: (n) => n.op === 'ConvTranspose',
    samples: (['Conv', 'AveragePool', 'LpPool'] as const).flatMap((op) =>
      SAMPLES[op].filter((s) => s.name.includes('3-d')).map((s) => [op, s] as const),
    ),
  },
}

/** Nodes of the graph and of the graphs inside its nodes. */
function allNodes(graph: Graph): Node[] {
  return graph.nodes.flatMap((n) => [n, ...subgraphs(graph, n).flatMap(([, inner]) => allNodes(inner))])
}

describe.each(Object.entries(KERNELS))('without %s', (lack, { isUse, samples }) => {
  const lacks = [lack as Lack]

  test('some sample would use it', async () => {
    const used = samples.map(async ([op, sample]) => {
      const c = await makeCase(op, sample, runtime)
      const graph = await gradientGraph(c, { declaration: 'static', probed: true, opset: 18 }, runtime)
      return allNodes(graph).some(isUse)
    })
    expect(await Promise.all(used)).toContain(true)
  })

  test.each(samples.map(([op, s]) => [op, s.name, s] as const))('%s, sample %s', async (op, _name, sample) => {
    expect(await checkRule(op, sample, { runtime, fixtures, lacks })).toEqual([])
  })

  test.each(samples.map(([op, s]) => [op, s.name, s] as const))(
    '%s, sample %s: the same numbers, and the kernel is not used',
    async (op, _name, sample) => {
      const c = await makeCase(op, sample, runtime)
      const feeds = { ...feedsOf(c), [gradientName(c.of)]: c.gy }
      for (const declaration of ['static', 'symbolic', 'none'] as const) {
        const variant = { declaration, probed: true, opset: 18 }
        const [plain, other] = [{}, { lacks }].map((rules) => gradientGraph(c, variant, runtime, rules))
        if (!plain || !other) continue
        const own = (n: Node): boolean => n.outputs[0] === 'y0' && (sample.outputs ?? 1) > 1
        expect(allNodes(await other).filter((n) => isUse(n) && !own(n))).toEqual([])
        const want = await withSession(runtime, await plain, (s) => s.run(feeds))
        const got = await withSession(runtime, await other, (s) => s.run(feeds))
        for (const x of c.wrt)
          expect(relativeL2(numbers(got[gradientName(x)]), numbers(want[gradientName(x)]))).toBeLessThanOrEqual(1e-6)
      }
    },
  )

  test('every operator that is emitted has a rule itself', async () => {
    for (const [op, sample] of samples) {
      const emitted = await emittedBy(op, [sample], { lacks })
      expect([...emitted].filter((name) => !hasRule(name))).toEqual([])
    }
  })
})

/** Forms that are wrong on purpose: a sample, who must notice, what is wrong, and the wrong form. */
type Wrong = (call: RuleCall, x: string, y: string, p: Pooling) => string

const turned = ({ b }: RuleCall, value: string): string => b.transpose(value, [0, 1, 3, 2])

/** The picture seen from its last pixel. */
const backwards = ({ b }: RuleCall, value: string): string =>
  b.op('Slice', [value, b.int64s([-1, -1]), b.int64s([-9999, -9999]), b.int64s([2, 3]), b.int64s([-1, -1])])

const columnsFirst: Wrong = (call, x, y, p) => {
  const [tx, ty, tgy] = [turned(call, x), turned(call, y), turned(call, call.gy)]
  const swapped = Object.fromEntries(Object.entries(p).map(([k, v]) => [k, Array.isArray(v) ? v.toReversed() : v]))
  return turned(call, toFirstMaximum(call.b, tx, ty, tgy, swapped as unknown as Pooling))
}

const last: Wrong = (call, x, y, p) => {
  const [tx, ty, tgy] = [backwards(call, x), backwards(call, y), backwards(call, call.gy)]
  return backwards(call, toFirstMaximum(call.b, tx, ty, tgy, { ...p, begins: p.ends, ends: p.begins }))
}

const WRONG: readonly [string, readonly Failure['by'][], string, Wrong][] = [
  ['tie', ['pin'], 'the last of equals', last],
  ['tie-of-row-and-column', ['pin'], 'the first column, and in it the first row', columnsFirst],
  [
    'overlapping',
    ['differences', 'pytorch'],
    'one pixel off',
    ({ b, gy }, x, y, p) => toFirstMaximum(b, x, y, gy, { ...p, begins: [1, 0] }),
  ],
  [
    'overlapping',
    ['differences', 'pytorch'],
    'without the last row of each window',
    ({ b, gy }, x, y, p) => toFirstMaximum(b, x, y, gy, { ...p, kernel: [2, 3], span: [2, 3] }),
  ],
  [
    'dilation',
    ['error'],
    'without the dilations',
    ({ b, gy }, x, y, p) => toFirstMaximum(b, x, y, gy, { ...p, dilations: [1, 1], span: p.kernel }),
  ],
]

function overridden(rule: Wrong): Override {
  const maxPool = (call: RuleCall): (() => string)[] => {
    const [x = '', y = ''] = [call.x[0], call.y[0]]
    return [() => rule(call, x, y, poolingOf(call.b, call.node, x, y))]
  }
  return { name: 'wrong', rules: { MaxPool: maxPool } }
}

describe('a wrong form is reported', () => {
  test.each(WRONG)('sample %s, by %j: %s', async (name, by, _what, rule) => {
    const sample = SAMPLES.MaxPool.find((s) => s.name === name)
    if (!sample) throw new Error(`there is no sample ${name}`)
    const override = overridden(rule)
    const failures = await checkRule('MaxPool', sample, { runtime, fixtures, quick: true, override })
    const found = new Set(failures.map((f) => f.by))
    for (const one of by) expect([...found]).toContain(one)
  })

  test('the right form, given in the same way, is not', async () => {
    const override = overridden(({ b, gy }, x, y, p) => toFirstMaximum(b, x, y, gy, p))
    for (const sample of SAMPLES.MaxPool)
      expect(await checkRule('MaxPool', sample, { runtime, fixtures, quick: true, override })).toEqual([])
  })

  test('by every sample where it is a quarter too large, through an override that is given the form as the plain rule', async () => {
    const override: Override = {
      name: 'wrong',
      rules: {
        MaxPool: (call, plain) =>
          plain(call).map((p) => p && (() => call.b.op('Mul', [p(), call.b.scalar(1.25, call.x[0] ?? '')]))),
      },
    }
    for (const sample of SAMPLES.MaxPool) {
      const options = { runtime, fixtures, quick: true, override }
      const by = (await checkRule('MaxPool', sample, options)).map((f) => f.by)
      expect([sample.name, ...new Set(by)]).toEqual([
        sample.name,
        ...(isPinned(sample) ? ['pin'] : ['differences', 'pytorch']),
      ])
    }
  })
})

test('a convolution in the branch of an If does without, too', async () => {
  const attributes = { kernel_shape: [3, 3, 3], strides: [2, 2, 2] }
  const branch = (name: string, last: string) =>
    graphProto(name, {
      nodes: [
        { op: 'Conv', inputs: ['x', 'w'], outputs: ['p'], attributes },
        { op: last, inputs: ['p'], outputs: [name] },
      ],
      inputs: [],
      outputs: [declare(name, 'float32')],
    })
  const graph = model({
    opset: 18,
    nodes: [
      {
        op: 'If',
        inputs: ['condition'],
        outputs: ['out'],
        attributes: { then_branch: branch('a', 'Sigmoid'), else_branch: branch('b', 'Neg') },
      },
    ],
    inputs: [declare('x', 'float32', ['N', 2, 5, 5, 5]), declare('condition', 'bool', [])],
    outputs: [declare('out', 'float32', ['N', 3, 2, 2, 2])],
    initializers: { w: noise(3, 3, 2, 3, 3, 3) },
  })
  const { isUse } = KERNELS['ConvTranspose 3-D']
  const plain = differentiate(graph, { of: 'out', wrt: ['x'] })
  const other = differentiate(graph, { of: 'out', wrt: ['x'], lacks: ['ConvTranspose 3-D'] })
  expect(allNodes(plain).filter(isUse)).toHaveLength(2)
  expect(allNodes(other).filter(isUse)).toEqual([])
  for (const yes of [0, 1]) {
    const condition = { type: 'bool', dims: [], data: Uint8Array.of(yes) } as const
    const feeds = { x: noise(1, 1, 2, 5, 5, 5), condition, 'gradient/out': noise(2, 1, 3, 2, 2, 2) }
    const [want, got] = [await run(plain, feeds), await run(other, feeds)]
    expect(relativeL2(numbers(got['gradient/x']), numbers(want['gradient/x']))).toBeLessThanOrEqual(1e-6)
  }
})
