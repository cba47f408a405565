/** A machine without onnxruntime-node: WebAssembly stands in, and says so once. */
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { float32 } from '../../src/core/tensor.js'
import { open } from '../../src/node/open.js'
import { ortRuntime } from '../../src/node/ort.js'
import { failureOf, TINY_LABELS, tinyModel } from './support.js'

vi.mock('onnxruntime-node', () => {
  throw new Error("Cannot find package 'onnxruntime-node'")
})

const warn = vi.fn<(line: string) => void>()
beforeEach(() => warn.mockReset())

describe('without onnxruntime-node', () => {
  test('auto takes WebAssembly and warns in one line', async () => {
    const runtime = await ortRuntime({ warn })
    expect(runtime.name).toMatch(/^onnxruntime-web .*\(wasm\)$/)
    expect(warn.mock.calls).toEqual([
      ['onnxruntime-node is not available: running on onnxruntime-web (WebAssembly), which is several times slower.'],
    ])
  })

  test('nothing is said where nobody listens, or where WebAssembly was asked for', async () => {
    const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    try {
      await ortRuntime()
      await ortRuntime({ backend: 'wasm', warn })
      expect(warn).not.toHaveBeenCalled()
      expect(error).not.toHaveBeenCalled()
    } finally {
      error.mockRestore()
    }
  })

  test('native is refused, with the way to install it', async () => {
    const error = await failureOf(ortRuntime({ backend: 'native', warn }))
    expect(error.code).toBe('no-runtime')
    expect(error.message).toContain('npm install onnxruntime-node --onnxruntime-node-install=skip')
    expect(warn).not.toHaveBeenCalled()
  })

  test('a model opens, explains, and has warned of the runtime exactly once', async () => {
    await using model = await open(tinyModel(), { labels: TINY_LABELS, warn })
    const picture = float32(
      [3, 16, 16],
      Float32Array.from({ length: 768 }, (_, i) => Math.sin(i)),
    )
    const { raw, provenance } = await model.explain(picture)
    await model.classify(picture)
    expect(raw.dims).toEqual([16, 16])
    expect(provenance.runtime).toContain('wasm')
    expect(warn.mock.calls.filter(([line]) => line.includes('onnxruntime'))).toHaveLength(1)
  })
})
