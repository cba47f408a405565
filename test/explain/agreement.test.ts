/** A runtime that computes a model wrongly is found out when the model is opened on it. */
import { expect, test } from 'vitest'
import type { Runtime, Session } from '../../src/core/runtime.js'
import type { Tensor } from '../../src/core/tensor.js'
import { Model, refuseDisagreement } from '../../src/explain/index.js'
import { decode } from '../../src/onnx/decode.js'
import { refusal } from '../support/compiled.js'
import { readBytes } from '../support/files.js'
import { runtime } from '../support/ort.js'

/** The runtime, its float outputs changed. */
function distorted(change: (value: number, index: number) => number): Runtime {
  const wrap = (session: Session): Session => ({
    ...session,
    run: async (feeds) => {
      const results = await session.run(feeds)
      const changed = Object.entries(results).map(([name, t]): [string, Tensor] =>
        t.type === 'float32' ? [name, { ...t, data: Float32Array.from(t.data as Float32Array, change) }] : [name, t],
      )
      return Object.fromEntries(changed)
    },
    release: () => session.release(),
  })
  return { name: 'a faulty runtime', createSession: async (...given) => wrap(await runtime.createSession(...given)) }
}

const bytes = readBytes('test/fixtures/networks/resnet.onnx')
const load = (on: Runtime): Promise<Model> => Model.load(decode(bytes), on, { name: 'resnet' })

test('one that computes the same is taken, rounding and all', async () => {
  await refuseDisagreement(await load(runtime), runtime)
  await refuseDisagreement(await load(distorted((v) => v * 1.001)), runtime)
})

test('one that does not is refused, with both named and how far they are apart', async () => {
  const error = await refusal(
    load(distorted((v, i) => (i % 3 === 0 ? 0 : v))).then((m) => refuseDisagreement(m, runtime)),
  )
  expect(error.code).toBe('runtime-disagrees')
  expect(error.message).toMatch(
    /a faulty runtime computes this network wrongly: .* differs from onnxruntime-node .* by [\d.]+ %/,
  )
  expect(error.details).toMatchObject({ relative: expect.any(Number) })
})
