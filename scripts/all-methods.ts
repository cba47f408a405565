/**
 * Pictures of all methods on the shipped picture, for the documentation: docs/methods-FAMILY.webp, two rows each. Methods of many runs get fewer than by
 * default, so that it takes minutes. `npx tsx scripts/all-methods.ts [FAMILY ...]`
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { backgroundOf, figureColumns, figureFooter, figureOf } from '../src/figures/index.js'
import type { Method } from '../src/methods/method.js'
import { drawFigure } from '../src/node/draw.js'
import { methods, open, readImage } from '../src/node/open.js'

const COLUMNS = 8
const FEWER = { masks: 1000, samples: 20, iterations: 150 }
/** Those that go through all channels of a layer many times over. */
const FEWEST: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'ss-cam': { samples: 1 },
  'is-cam': { steps: 1 },
  lime: { samples: 500 },
  'kernel-shap': { samples: 500 },
  sobol: {},
  hsic: { samples: 500 },
}

function optionsOf(method: Method): Readonly<Record<string, number>> {
  const own = FEWEST[method.id] ?? FEWER
  return Object.fromEntries(Object.entries(own).filter(([name]) => name in method.options))
}

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
await using model = await open()
const picture = await readImage(path('examples/cat-and-coffee.jpg'))
if ('dims' in picture) throw new TypeError('the example is no picture')
// attention is what networks of convolutions have not
const families = [...new Set(methods.map((m) => m.family))].filter((f) => f !== 'attention')
for (const family of process.argv.length > 2 ? families.filter((f) => process.argv.includes(f)) : families) {
  const all = methods.filter((m) => m.family === family)
  for (let part = 0; part * COLUMNS < all.length; part++) {
    const shown = all.slice(part * COLUMNS, (part + 1) * COLUMNS)
    const sets = []
    for (const method of shown) {
      const start = performance.now()
      sets.push(await model.explainAll(picture, { method: method.id, target: [285, 967], options: optionsOf(method) }))
      console.log(`${method.id}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
    }
    const [first] = sets
    const [explanation] = first?.explanations ?? []
    if (!first || !explanation) continue
    const set = { ...first, explanations: sets.flatMap((s) => s.explanations), refused: sets.flatMap((s) => s.refused) }
    const footer = figureFooter(set, model.model.name)
    const background = backgroundOf(explanation, picture, model.model.preprocessing)
    const spec = figureOf(background, set, figureColumns(shown, set), { footer })
    const name = `docs/methods-${family}${part > 0 ? `-${part + 1}` : ''}.webp`
    const figure = await drawFigure(spec, 'figure.png')
    writeFileSync(path(name), await sharp(figure).resize({ width: 2000 }).webp({ quality: 80 }).toBuffer())
    console.log(name)
  }
}
