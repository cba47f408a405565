/** Gates are differentiated as one where nothing stands between, and as two operators otherwise; the numbers are the same. */
import { describe, expect, test } from 'vitest'
import { declare } from '../../src/onnx/builder.js'
import type { Graph } from '../../src/onnx/ir.js'
import { probe } from '../../src/passes/probe.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import type { Override } from '../../src/vjp/rule.js'
import { relativeL2 } from '../support/measures.js'
import { model } from '../support/model.js'
import { noise } from '../support/networks.js'
import { runtime } from '../support/ort.js'
import { numbers, run } from '../support/run.js'

const DIMS = [2, 3, 4]

/** `y = 2 x sigmoid(2 x)`, in either order; `others` are outputs besides. */
function gate(order: 'x first' | 's first', others: readonly string[] = []): Graph {
  return model({
    opset: 17,
    nodes: [
      { op: 'Add', inputs: ['input', 'input'], outputs: ['x'] },
      { op: 'Sigmoid', inputs: ['x'], outputs: ['s'] },
      { op: 'Mul', inputs: order === 'x first' ? ['x', 's'] : ['s', 'x'], outputs: ['y'] },
    ],
    inputs: [declare('input', 'float32', DIMS)],
    outputs: ['y', ...others].map((name) => declare(name, 'float32', DIMS)),
  })
}

const input = noise(1, ...DIMS)
const seed = noise(2, ...DIMS)
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
/** By hand: g (s + x s (1 - s)), of which x carries g s and s carries g x. */
const derivative = (make: (x: number, s: number) => number): number[] =>
  Array.from(input.data, (v, i) => (seed.data[i] ?? 0) * make(2 * v, sigmoid(2 * v)))

async function gradients(graph: Graph, wrt: readonly string[], override?: Override) {
  const made = differentiate(graph, {
    of: 'y',
    wrt,
    shapes: await probe(graph, runtime),
    ...(override ? { override } : {}),
  })
  const out = await run(made, { input, 'gradient/y': seed })
  const ops = made.nodes.slice(graph.nodes.length).map((n) => n.op)
  return { of: wrt.map((name) => numbers(out[`gradient/${name}`])), ops }
}

describe.each(['x first', 's first'] as const)('%s', (order) => {
  test('both nodes go back as one', async () => {
    const { of, ops } = await gradients(gate(order), ['x'])
    expect(ops.filter((op) => op === 'Mul')).toHaveLength(2)
    expect(
      relativeL2(
        of[0] ?? [],
        derivative((x, s) => s + x * s * (1 - s)),
      ),
    ).toBeLessThan(1e-6)
  })
  test.each([
    ['the sigmoid is asked for', gate(order), ['x', 's'], undefined],
    ['the sigmoid is an output', gate(order, ['s']), ['x'], undefined],
    [
      'another rule stands in for one',
      gate(order),
      ['x'],
      { name: 'same', rules: { Mul: (call, plain) => plain(call) } },
    ],
    [
      'another rule stands in for all',
      gate(order),
      ['x'],
      { name: 'same', rules: {}, otherwise: (call, plain) => plain(call) },
    ],
  ] as readonly [string, Graph, readonly string[], Override | undefined][])(
    'as two where %s',
    async (_, graph, wrt, override) => {
      const { of, ops } = await gradients(graph, wrt, override)
      expect(ops.filter((op) => op === 'Mul').length).toBeGreaterThan(2)
      expect(
        relativeL2(
          of[0] ?? [],
          derivative((x, s) => s + x * s * (1 - s)),
        ),
      ).toBeLessThan(1e-6)
      if (of[1])
        expect(
          relativeL2(
            of[1],
            derivative((x) => x),
          ),
        ).toBeLessThan(1e-6)
    },
  )
})
