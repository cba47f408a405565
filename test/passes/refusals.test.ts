/** What cannot be written out is refused in one error that says what to do. */
import { describe, expect, test } from 'vitest'
import { ExplainError } from '../../src/core/errors.js'
import { float32, int64 } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { lower } from '../../src/passes/lower.js'
import { differentiate } from '../../src/vjp/differentiate.js'
import { model, type NodeSpec } from '../support/model.js'

/** One node of ONNX Runtime's domain between `x` and `y`. */
function alone(node: Omit<NodeSpec, 'outputs' | 'domain'> & { readonly domain?: string; readonly outputs?: string[] }) {
  return model({
    opset: 18,
    nodes: [{ domain: 'com.microsoft', outputs: ['y'], ...node }],
    inputs: [declare('x', 'float32', [1, 4, 4, 4])],
    outputs: [declare('y', 'float32')],
    initializers: { w: float32([4, 4, 1, 1]), one: float32([4]), n: int64([], [1]) },
  })
}

function refusal(work: () => unknown): ExplainError {
  try {
    work()
  } catch (error) {
    if (error instanceof ExplainError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('operators of ONNX Runtime', () => {
  test.each([
    ['activation', { op: 'FusedConv', inputs: ['x', 'w'], attributes: { activation: 'Cubed' } }],
    ['training mode', { op: 'BiasDropout', inputs: ['x', 'one', '', '', 'n'] }],
    [
      'channels-first',
      {
        op: 'SkipGroupNorm',
        inputs: ['x', 'one', 'one', 'x'],
        attributes: { groups: 2, activation: 0, channels_last: 0 },
      },
    ],
    ['past_sequence_length', { op: 'MultiHeadAttention', inputs: ['x', 'x', 'x', '', '', '', '', '', 'n'] }],
    ['scores', { op: 'MultiHeadAttention', inputs: ['x', 'x', 'x'], outputs: ['y', '', '', 'scores'] }],
    ['do_rotary', { op: 'Attention', inputs: ['x', 'w'], attributes: { num_heads: 1, do_rotary: 1 } }],
    ['axis', { op: 'ExpandDims', inputs: ['x', 'x'] }],
  ])('%s', (what, node) => {
    const error = refusal(() => lower(alone(node)))
    expect(error.code).toBe('unsupported-operator')
    expect(error.message).toContain(node.op)
    expect(error.message).toContain(what)
  })

  test('a layout for one kind of processor says at which level to save', () => {
    const graph = alone({ op: 'Conv', domain: 'com.microsoft.nchwc', inputs: ['x', 'w'] })
    const error = refusal(() => differentiate(graph, { of: 'y', wrt: ['x'] }))
    expect(error.code).toBe('unsupported-operator')
    expect(error.message).toContain('com.microsoft.nchwc.Conv')
    expect(error.message).toContain('ORT_ENABLE_EXTENDED')
  })
})
