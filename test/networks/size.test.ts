/** A backward pass stays small: nodes counted as they run, constants stored once. */
import { describe, expect, test } from 'vitest'
import { decode } from '../../src/onnx/decode.js'
import { probe } from '../../src/passes/probe.js'
import { prune } from '../../src/passes/prune.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { readBytes } from '../support/files.js'
import { runtime } from '../support/ort.js'

describe.each(['resnet', 'vit', 'convnext', 'densenet', 'shufflenet'])('%s', (name) => {
  const graph = decode(readBytes(`test/fixtures/networks/${name}.onnx`))

  test('a backward pass has at most three nodes for each one of the forward pass', async () => {
    const gradient = differentiate(graph, { of: 'logits', wrt: ['input'], shapes: await probe(graph, runtime) })
    const forward = prune(graph).nodes.length
    expect((gradient.nodes.length - forward) / forward).toBeLessThanOrEqual(3)
  })

  test('constants are shared, not copied', async () => {
    const gradient = differentiate(graph, { of: 'logits', wrt: ['input'], shapes: await probe(graph, runtime) })
    const added = [...gradient.initializers].filter(([key]) => !graph.initializers.has(key)).map(([, t]) => t)
    const contents = added.map((t) => `${t.dataType}[${t.dims.join()}]${Buffer.from(t.rawData).toString('base64')}`)
    expect(added.length).toBeGreaterThan(0)
    expect(new Set(contents).size).toBe(contents.length)
    // weights are read where they are: nothing of their size is added
    const bytes = added.reduce((n, t) => n + t.rawData.byteLength, 0)
    expect(bytes).toBeLessThan(4096)
  })
})
