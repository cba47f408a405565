/** Passes reach into the graphs inside nodes, and what they make there has names of its own. */
import { describe, expect, test } from 'vitest'
import { float32, tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { captures, type Graph } from '../../src/onnx/ir.js'
import { mapSubgraphs, namesInUse, subgraphs } from '../../src/onnx/subgraphs.js'
import { distinctNames } from '../../src/passes/distinct-names.js'
import { everywhere } from '../../src/passes/everywhere.js'
import { lower } from '../../src/passes/lower.js'
import { graphProto, model, type NodeSpec } from '../support/model.js'
import { numbers, run } from '../support/run.js'

const branch = (...nodes: readonly NodeSpec[]) =>
  graphProto('branch', { nodes, inputs: [], outputs: [declare('y', 'float32', [2])] })

/** Both branches call their values by the same names, and one holds another If. */
function conditional(): Graph {
  const scaled = (by: string): NodeSpec[] => [
    { op: 'Mul', inputs: ['x', by], outputs: ['inner'] },
    { op: 'LpNormalization', inputs: ['inner'], outputs: ['y'] },
  ]
  const nested: NodeSpec = {
    op: 'If',
    inputs: ['c'],
    outputs: ['y'],
    attributes: {
      then_branch: graphProto('deep', {
        nodes: [{ op: 'LpNormalization', inputs: ['x'], outputs: ['inner'] }],
        inputs: [],
        outputs: [declare('inner', 'float32', [2])],
      }),
      else_branch: graphProto('deep', {
        nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['inner'] }],
        inputs: [],
        outputs: [declare('inner', 'float32', [2])],
      }),
    },
  }
  return model({
    opset: 18,
    nodes: [
      {
        op: 'If',
        inputs: ['c'],
        outputs: ['z'],
        attributes: { then_branch: branch(nested), else_branch: branch(...scaled('k')) },
      },
    ],
    inputs: [declare('c', 'bool', []), declare('x', 'float32', [2])],
    outputs: [declare('z', 'float32', [2])],
    initializers: { k: float32([], [3]) },
  })
}

function operatorsInside(graph: Graph): string[] {
  return graph.nodes.flatMap((n) =>
    subgraphs(graph, n).flatMap(([, inner]) => [...inner.nodes.map((m) => m.op), ...operatorsInside(inner)]),
  )
}

function valuesInside(graph: Graph): string[] {
  return graph.nodes.flatMap((n) =>
    subgraphs(graph, n).flatMap(([, inner]) => [...inner.valueNames(), ...valuesInside(inner)]),
  )
}

describe('graphs inside nodes', () => {
  test.each([true, false])('answer the same after lowering (condition %s)', async (taken) => {
    const feeds = { c: tensor('bool', [], Uint8Array.of(taken ? 1 : 0)), x: float32([2], [3, -4]) }
    const graph = conditional()
    const lowered = lower(graph)
    expect(operatorsInside(graph)).toContain('LpNormalization')
    expect(operatorsInside(lowered)).not.toContain('LpNormalization')
    const want = numbers((await run(graph, feeds)).z)
    expect(numbers((await run(lowered, feeds)).z)).toEqual(want.map((v) => expect.closeTo(v, 6)))
  })

  test('are visited innermost first', () => {
    const visited: number[] = []
    everywhere((g) => {
      visited.push(g.nodes.length)
      return g
    })(conditional())
    expect(visited).toEqual([1, 1, 1, 2, 1])
  })

  test('have distinct names afterwards, and the graph around keeps its own', () => {
    const graph = conditional()
    expect(new Set(valuesInside(graph)).size).toBeLessThan(valuesInside(graph).length)
    for (const made of [distinctNames(graph), lower(graph)]) {
      const names = [...made.valueNames(), ...valuesInside(made)]
      expect(new Set(names).size).toBe(names.length)
      expect(made.valueNames()).toEqual(graph.valueNames())
    }
  })

  test('a pass that changes nothing gives the same graph', () => {
    const graph = conditional()
    expect(mapSubgraphs(graph, (inner) => inner)).toBe(graph)
    const once = distinctNames(graph)
    expect(distinctNames(once)).toBe(once)
  })

  test('captures are what comes from outside, through every depth', () => {
    const [node] = conditional().nodes
    expect(node && [...captures(node)].sort()).toEqual(['c', 'k', 'x'])
    expect([...namesInUse(conditional())]).toEqual(expect.arrayContaining(['c', 'x', 'k', 'z', 'y', 'inner']))
  })
})
