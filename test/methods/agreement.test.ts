/** Every map that a reference library's map is stored of is like it (fixtures of scripts/*_fixtures.py). */
import { beforeAll, describe, expect, test } from 'vitest'
import { AGREEMENTS } from './agreement/index.js'
import { agreementsOf, type Measured, subject } from './agreement/measure.js'

const networks = [...new Set(AGREEMENTS.map((a) => a.network))]

describe.each(networks)('%s', (network) => {
  const cases = AGREEMENTS.filter((a) => a.network === network)
  let measured: readonly Measured[] = []
  beforeAll(async () => {
    const on = await subject(network)
    measured = await agreementsOf(on, cases)
    await on.model.release()
  })

  test.each(cases.map((a, i) => [a.fixture, a.method, a.reference, a, i] as const))(
    '%s: %s is that of %s',
    (...[, , , a, i]) => {
      expect(measured[i]?.correlation).toBeGreaterThanOrEqual(a.minimum)
      if (a.relative !== undefined) expect(measured[i]?.relative).toBeLessThanOrEqual(a.relative)
    },
  )
})
