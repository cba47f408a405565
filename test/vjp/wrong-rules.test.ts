/** The check itself, checked: rules that are deliberately wrong must be reported by the very test that the right ones pass. */
import { describe, expect, test } from 'vitest'
import { type AttributeValue, attributes, intOf, intsOf } from '../../src/onnx/attributes.js'
import type { Builder } from '../../src/onnx/builder.js'
import { DECOMPOSITIONS } from '../../src/passes/decompositions/index.js'
import type { Override, Pullback, Rule, RuleCall } from '../../src/vjp/rule.js'
import { RULES } from '../../src/vjp/rules/index.js'
import { runtime } from '../support/ort.js'
import { checkRule } from './check.js'
import type { Failure } from './compare.js'
import { readFixtures } from './fixtures.js'
import { isPinned, type Sample } from './sample.js'
import { ALL_SAMPLES } from './suite.js'

const fixtures = readFixtures()

type WrongRule = (call: RuleCall, plain: readonly (Pullback | undefined)[]) => readonly (Pullback | undefined)[]

/** An operator that is written out is wrong where the rules of its parts are. */
function wrong(op: string, rule: WrongRule): Override {
  const replaced = (call: RuleCall, plain: Rule): ReturnType<Rule> => rule(call, plain(call))
  const ops = Object.hasOwn(DECOMPOSITIONS, op) ? Object.keys(RULES) : [op]
  return { name: 'wrong', rules: Object.fromEntries(ops.map((name) => [name, replaced])) }
}

function sampleOf(op: string, name: string): Sample {
  const sample = ALL_SAMPLES.find(([key]) => key === op)?.[1].find((s) => s.name === name)
  if (!sample) throw new Error(`there is no sample ${op}/${name}`)
  return sample
}

function scalar(b: Builder, value: number): string {
  return b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(value)) })
}

/** The right rule of an operator, told that the node has other attributes than it has. */
function misread(op: keyof typeof RULES, changes: Readonly<Record<string, AttributeValue>>): WrongRule {
  return (call) =>
    RULES[op].rule({
      ...call,
      node: { ...call.node, attributes: new Map([...call.node.attributes, ...attributes(changes)]) },
    })
}

/** Operator, sample, who must notice, what is wrong, the wrong rule. */
const WRONG: readonly [string, string, readonly Failure['by'][], string, WrongRule][] = [
  ['Sub', 'same-shape', ['differences', 'pytorch'], 'without the minus sign', ({ gy }) => [() => gy, () => gy]],
  [
    'Div',
    'same-shape',
    ['differences', 'pytorch'],
    'one input given the gradient of the other',
    (_call, [a, b]) => [b, a],
  ],
  [
    'MatMul',
    'square',
    ['differences', 'pytorch'],
    'transposing the wrong operand',
    ({ b, x: [, right = ''], gy }, [, plain]) => [
      () => b.op('MatMul', [b.op('Transpose', [gy], { perm: [1, 0] }), right]),
      plain,
    ],
  ],
  ['Relu', 'default', ['differences', 'pytorch'], 'passing where the input is negative', ({ gy }) => [() => gy]],
  [
    'Relu',
    'edge',
    ['pin'],
    'passing at zero',
    ({ b, x: [x = ''], gy }) => [
      () => b.op('Where', [b.op('GreaterOrEqual', [x, b.scalar(0, x)]), gy, b.scalar(0, x)]),
    ],
  ],
  [
    'Conv',
    'padded',
    ['differences', 'pytorch'],
    'without turning the kernel around',
    ({ b, node, x: [, w = ''], gy }, [, ...others]) => [
      () =>
        b.op('Conv', [gy, b.transpose(w, [1, 0, 2, 3])], {
          pads: intsOf(node, 'pads', []),
          kernel_shape: intsOf(node, 'kernel_shape', []),
        }),
      ...others,
    ],
  ],
  [
    'Softmax',
    'default',
    ['differences', 'pytorch'],
    'without the sum',
    ({ b, y: [y = ''], gy }) => [() => b.op('Mul', [gy, y])],
  ],
  [
    'LogSoftmax',
    'middle-axis',
    ['differences', 'pytorch'],
    'summing over the wrong axis',
    ({ b, node, y: [y = ''], gy }) => [
      () => {
        const axis = b.int64s([intOf(node, 'axis', -1) + 1])
        return b.op('Sub', [gy, b.op('Mul', [b.op('Exp', [y]), b.op('ReduceSum', [gy, axis], { keepdims: 1 })])])
      },
    ],
  ],
  [
    'Gelu',
    'default',
    ['pytorch'],
    'with the slope of another approximation, off by less than differences can see',
    ({ b, x: [x = ''], gy }) => [
      () => {
        const s = b.op('Sigmoid', [b.op('Mul', [x, b.scalar(1.702, x)])])
        const inner = b.op('Mul', [b.op('Mul', [x, b.scalar(1.702, x)]), b.op('Sub', [b.scalar(1, x), s])])
        return b.op('Mul', [gy, b.op('Mul', [s, b.op('Add', [inner, b.scalar(1, x)])])])
      },
    ],
  ],
  [
    'ReduceMean',
    'input',
    ['differences', 'pytorch'],
    'not divided by the count',
    ({ b, x: [x = ''], gy }) => [() => b.op('Expand', [gy, b.shapeOf(x)])],
  ],
  ['Max', 'tie-of-two', ['pin'], 'the whole gradient for each of two equals', ({ gy }) => [() => gy, () => gy]],
  ['Transpose', 'perm', ['error'], 'not turned back, which the walk itself notices', ({ gy }) => [() => gy]],
  [
    'Scan',
    'states',
    ['differences', 'pytorch'],
    'the gradient of the sequence in the order in which it was made',
    ({ b, x: [, sequence = ''] }, [state, plain, captured]) => [
      state,
      plain &&
        (() => {
          const last = b.sub(b.extent(sequence, 0), 1)
          const places = b.op('Range', [b.reshape(b.vector([last]), []), scalar(b, -1), scalar(b, -1)])
          return b.op('Gather', [plain(), places], { axis: 0 })
        }),
      captured,
    ],
  ],
  [
    'Scan',
    'both-outputs',
    ['differences', 'pytorch'],
    'nothing for what the body captures',
    ({ b, x: [, , w = ''] }, [state, sequence]) => [state, sequence, () => b.op('Sub', [w, w])],
  ],
  [
    'If',
    'then',
    ['differences', 'pytorch'],
    'the captures taken for one another',
    ({ b, x: [, left = ''] }, [, a, c]) => [
      undefined,
      c && (() => b.op('Expand', [c(), b.shapeOf(left)])),
      a && (() => b.reduceSum(a(), [0], false)),
    ],
  ],
  [
    'Add',
    'same-shape',
    ['differences', 'pytorch'],
    'one gradient doubled',
    ({ b, gy }) => [() => gy, () => b.op('Add', [gy, gy])],
  ],
  [
    'Resize',
    'linear-half_pixel',
    ['differences', 'pytorch'],
    'half a pixel off',
    misread('Resize', { coordinate_transformation_mode: 'asymmetric' }),
  ],
  [
    'Resize',
    'nearest-half_pixel-floor',
    ['differences', 'pytorch'],
    'rounding the other way',
    misread('Resize', { nearest_mode: 'ceil' }),
  ],
  [
    'Resize',
    'cubic-half_pixel-excluded',
    ['differences', 'pytorch'],
    'counting pixels outside',
    misread('Resize', { exclude_outside: 0 }),
  ],
  [
    'GridSample',
    'bilinear-zeros',
    ['differences', 'pytorch'],
    'corners taken as centres',
    misread('GridSample', { align_corners: 1 }),
  ],
  [
    'GridSample',
    'bicubic-reflection-aligned',
    ['differences', 'pytorch'],
    'the edge instead of its mirror',
    misread('GridSample', { padding_mode: 'border' }),
  ],
  [
    'GridSample',
    'bilinear-border',
    ['differences', 'pytorch'],
    'rows and columns of the grid exchanged',
    ({ b }, [picture, grid]) => [
      picture,
      grid && (() => b.op('Slice', [grid(), b.int64s([1]), b.int64s([-3]), b.int64s([-1]), b.int64s([-1])])),
    ],
  ],
  [
    'RoiAlign',
    'two-scaled',
    ['differences', 'pytorch'],
    'half a pixel off',
    misread('RoiAlign', { coordinate_transformation_mode: 'output_half_pixel' }),
  ],
  ['Col2Im', 'all', ['differences', 'pytorch'], 'one pixel off', misread('Col2Im', { pads: [1, 1, 0, 2] })],
  [
    'ScatterElements',
    'mul',
    ['differences', 'pytorch'],
    'updates as if they were added',
    misread('ScatterElements', { reduction: 'add' }),
  ],
  ['Mod', 'signs', ['differences', 'pytorch'], 'nothing for the divisor', ({ gy }) => [() => gy, () => gy]],
]

describe('a wrong rule is reported', () => {
  test.each(WRONG)('%s, sample %s, by %j: %s', async (op, name, by, _what, rule) => {
    const failures = await checkRule(op, sampleOf(op, name), { runtime, fixtures, override: wrong(op, rule) })
    const found = new Set(failures.map((f) => f.by))
    for (const one of by) expect([...found]).toContain(one)
  })
})

/** Samples that a wrong rule does not change, and why. */
const BLIND: Readonly<Record<string, string>> = {
  'Clip/tiny-bounds': 'the gradient is zero everywhere',
  'Dropout/default': 'taken out of the graph before rules are asked',
  'Dropout/ratio-attribute': 'taken out of the graph before rules are asked',
  'Dropout/ratio-input': 'taken out of the graph before rules are asked',
  'Dropout/training-off': 'taken out of the graph before rules are asked',
}

function scaled(b: RuleCall['b'], gradient: string, factor: number): string {
  return b.op('Mul', [gradient, b.scalar(factor, gradient)])
}

/** Who must notice that a gradient is wrong. A gradient that is estimated has no differences to be held to. */
function watchers(sample: Sample): readonly Failure['by'][] {
  if (isPinned(sample)) return ['pin']
  const differences = sample.estimated ? [] : (['differences'] as const)
  return sample.noTorch === undefined ? [...differences, 'pytorch'] : differences
}

describe('no sample is blind', () => {
  test.each(ALL_SAMPLES)('%s: every sample reports a gradient that is a quarter too large', async (op, samples) => {
    // a quantised input has a gradient of real numbers: the type is that of the gradient, not of the input
    const tooLarge: WrongRule = ({ b }, plain) => plain.map((p) => p && (() => scaled(b, p(), 1.25)))
    const blind: string[] = []
    for (const sample of samples) {
      const failures = await checkRule(op, sample, { runtime, fixtures, quick: true, override: wrong(op, tooLarge) })
      const by = new Set(failures.map((f) => f.by))
      if (!watchers(sample).every((w) => by.has(w))) blind.push(`${op}/${sample.name}`)
    }
    expect(blind).toEqual(Object.keys(BLIND).filter((key) => key.startsWith(`${op}/`)))
  })
})
