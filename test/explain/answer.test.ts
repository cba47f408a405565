/** Where the answer of a model lies, and what its score means for a map. */
import { describe, expect, test } from 'vitest'
import { int64 } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { mapsOf, planOf, refusal } from '../support/compiled.js'
import { relativeL2 } from '../support/measures.js'
import { model, type NodeSpec } from '../support/model.js'
import { network, picture } from '../support/networks.js'
import { numbers, run } from '../support/run.js'

describe('the answer', () => {
  const x = picture(12)

  test.each(['Softmax', 'LogSoftmax', 'Sigmoid'])(
    '%s at the end is seen through: the logit is explained',
    async (end) => {
      const plain = await mapsOf(network(), x, [2])
      const { answer } = await planOf(network({ end }))
      expect(answer.logits).toBe('logits')
      expect(answer.output).toBe('answer')
      const behind = await mapsOf(network({ end }), x, [2])
      expect(relativeL2(numbers(behind.heatmap), numbers(plain.heatmap))).toBeLessThan(1e-6)
    },
  )

  test('a softmax behind a reshape and a cast is seen through', async () => {
    const graph = network({ end: 'Softmax' })
    const nodes: readonly NodeSpec[] = [
      { op: 'Identity', inputs: ['answer'], outputs: ['same'] },
      { op: 'Squeeze', inputs: ['same2', 'axes'], outputs: ['final'] },
      { op: 'Unsqueeze', inputs: ['same', 'axes'], outputs: ['same2'] },
    ]
    const more = model({
      opset: 18,
      nodes,
      inputs: [],
      outputs: [declare('final', 'float32', ['N', 4])],
      initializers: { axes: int64([1], [2]) },
    })
    const joined = graph.with({
      nodes: [...graph.nodes, ...more.nodes],
      outputs: more.outputs,
      initializers: new Map([...graph.initializers, ...more.initializers]),
    })
    expect((await planOf(joined)).answer).toMatchObject({ output: 'final', logits: 'logits', activation: 'softmax' })
  })

  test('the gradient of a probability is p_c (g_c - sum_k p_k g_k)', async () => {
    for (const [end, name] of [
      [undefined, 'logits'],
      ['Softmax', 'answer'],
    ] as const) {
      const graph = network(end ? { end } : {})
      const g = await Promise.all(
        [0, 1, 2, 3].map(async (c) => numbers((await mapsOf(graph, x, [c], { method: 'gradient' })).heatmap)),
      )
      const scores = numbers((await run(graph, { x }))[name])
      const sum = scores.reduce((a, v) => a + Math.exp(v), 0)
      const p = end ? scores : scores.map((v) => Math.exp(v) / sum)
      const got = numbers((await mapsOf(graph, x, [2], { method: 'gradient', score: 'probability' })).heatmap)
      const want = got.map((_, i) => {
        const mean = p.reduce((a, pk, k) => a + pk * (g[k]?.[i] ?? 0), 0)
        return (p[2] ?? 0) * ((g[2]?.[i] ?? 0) - mean)
      })
      expect(relativeL2(got, want)).toBeLessThan(1e-4)
    }
  })

  test("behind a sigmoid the probability is the class' own", async () => {
    const graph = network({ end: 'Sigmoid' })
    const g = numbers((await mapsOf(graph, x, [1], { method: 'gradient' })).heatmap)
    const p = numbers((await run(graph, { x })).answer)[1] ?? 0
    const got = numbers((await mapsOf(graph, x, [1], { method: 'gradient', score: 'probability' })).heatmap)
    expect(
      relativeL2(
        got,
        g.map((v) => v * p * (1 - p)),
      ),
    ).toBeLessThan(1e-4)
  })

  test('of a model without class scores is what its outputs are', async () => {
    const graph = network().with({ outputs: [declare('features')] })
    const { answer, form, targetInputs } = await planOf(graph)
    expect([answer.kind, form.kind]).toEqual(['map', 'region'])
    expect(targetInputs.map((i) => i.name)).toEqual(['target', 'mask'])
    const error = await refusal(planOf(graph, { form: { kind: 'class', score: 'logit' } }))
    expect(error.code).toBe('method-not-applicable')
    expect(error.message).toMatch(/explains scores of classes.*a map of scores.*"features".*region/)
  })

  test('a model without a picture is refused, with its inputs', async () => {
    const graph = model({
      opset: 18,
      nodes: [{ op: 'Relu', inputs: ['tokens'], outputs: ['y'] }],
      inputs: [declare('tokens', 'float32', ['N', 10])],
      outputs: [declare('y', 'float32', ['N', 10])],
    })
    const error = await refusal(planOf(graph))
    expect(error.code).toBe('no-image-input')
    expect(error.message).toContain('tokens float32[N, 10]')
  })
})
