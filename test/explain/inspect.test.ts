/** What a loaded model says of itself is what is said of its file. */
import { expect, test } from 'vitest'
import type { Runtime } from '../../src/core/runtime.js'
import { inspect, Model } from '../../src/explain/index.js'
import { decode } from '../../src/onnx/decode.js'
import { readBytes } from '../support/files.js'
import { network } from '../support/networks.js'
import { runtime } from '../support/ort.js'

const fixture = (path: string) => decode(readBytes(`test/fixtures/${path}.onnx`))

test.each([
  ['a small network', network()],
  ['densenet', fixture('networks/densenet')],
  ['tokens', fixture('tokens/registers')],
])('%s: the same as of the file, and no session for it', async (_, graph) => {
  let sessions = 0
  const counting: Runtime = {
    name: runtime.name,
    createSession: (...args) => {
      sessions++
      return runtime.createSession(...args)
    },
  }
  const loaded = await Model.load(graph, counting, { name: 'test' })
  const before = sessions
  const found = loaded.inspect()
  expect(sessions).toBe(before)
  expect(found).toEqual(await inspect(graph, runtime))
  expect(found.problems).toEqual([])
  expect(found.layers.filter((l) => l.default)).toHaveLength(1)
})
