/** Every map that a reference library's map is stored of is like it (fixtures of scripts/*_fixtures.py). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AGREEMENTS } from './agreement/index.js'
import { agreementOf, type Subject, subject } from './agreement/measure.js'

const networks = [...new Set(AGREEMENTS.map((a) => a.network))]

describe.each(networks)('%s', (network) => {
  let on: Subject
  beforeAll(async () => {
    on = await subject(network)
  })
  afterAll(() => on.model.release())

  const cases = AGREEMENTS.filter((a) => a.network === network)
  test.each(cases.map((a) => [a.fixture, a.method, a.reference, a] as const))(
    '%s: %s is that of %s',
    async (...[, , , a]) => {
      expect(await agreementOf(on, a)).toBeGreaterThanOrEqual(a.minimum)
    },
  )
})
