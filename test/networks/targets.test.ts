/** Words, texts, answers, similarities, boxes and regions of small networks of real architectures: their gradients, as a user asks for them, are PyTorch's. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { pathOf } from '../support/files.js'
import { targetAgreements } from '../support/target-agreement.js'

const FOLDER = 'test/fixtures/targets'
/** In one sequence with as many words as there are: no map. */
const WITHOUT_LAYER = new Set(['vilt-vqa'])

describe.each(readdirSync(pathOf(FOLDER)))('%s', (name) => {
  test('gradients by the pixels and by the layer', async () => {
    const found = await targetAgreements(pathOf(`${FOLDER}/${name}`), name, 1)
    expect(found.length).toBeGreaterThan(0)
    for (const { target, score, theirs, input, layer } of found) {
      expect([target, input > 0.9999, (layer ?? 0) > 0.9999]).toEqual([target, true, !WITHOUT_LAYER.has(name)])
      // similarities are without the scale of the logits
      if (target !== 'similarity') expect(score).toBeCloseTo(theirs, 2)
    }
  })
})
