// The studio's pictures in README and docs: `npm run build && npx tsx scripts/screenshots.ts`. Look at them before they are committed.
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import sharp from 'sharp'
import { serveStudio } from '../src/node/studio.js'
import { findChromium } from '../test/web/chromium.js'

interface Shot {
  readonly name: string
  readonly hash: string
  readonly width: number
  readonly height: number
  readonly scheme?: 'light' | 'dark'
  readonly before?: (page: Page) => Promise<void>
}

const hover = async (page: Page): Promise<void> => {
  const box = await page.locator('.heat').boundingBox()
  if (box) await page.mouse.move(box.x + 0.62 * box.width, box.y + 0.45 * box.height)
}

const SHOTS: readonly Shot[] = [
  { name: 'studio', hash: '', width: 1280, height: 800, before: hover },
  { name: 'studio-compare', hash: 'view=compare', width: 1280, height: 720 },
  {
    name: 'studio-layers',
    hash: 'class=967&layer=blocks.10.Add',
    width: 1280,
    height: 800,
    scheme: 'dark',
    before: async (page) => page.getByRole('button', { name: 'Channels' }).click(),
  },
  { name: 'studio-phone', hash: 'class=967', width: 390, height: 844 },
]

const served = await serveStudio()
const browser = await chromium.launch({
  executablePath: await findChromium(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
})
for (const { name, hash, width, height, scheme = 'light', before } of SHOTS) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme, deviceScaleFactor: 1.5 })
  await page.goto(`${served.address}#${hash}`)
  await page.locator('.heat canvas, table canvas').first().waitFor()
  await before?.(page)
  const busy = page.locator('.progress-words, [aria-busy=true]')
  for (let quiet = 0; quiet < 4; quiet = (await busy.count()) === 0 ? quiet + 1 : 0) await page.waitForTimeout(500)
  const file = fileURLToPath(new URL(`../docs/${name}.webp`, import.meta.url))
  await sharp(await page.screenshot())
    .webp({ quality: 84 })
    .toFile(file)
  console.log(file)
  await page.close()
}
await browser.close()
await served.close()
