/** Many pictures after one another, and the start of the command. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eachPicture } from '../src/cli/pictures.js'
import { type NodeModel, open, readImage } from '../src/node/open.js'
import { round, spread } from './measure.js'
import { COLUMNS } from './network.js'
import { type CommandResult, load } from './results.js'

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const PICTURES = ['cat.jpg', 'coffee.jpg', 'cat-and-coffee.jpg'].map((name) => at(`examples/${name}`))

export async function measureCommand(rounds: number): Promise<CommandResult> {
  return { throughput: await throughput(rounds), coldStart: coldStart(), load: load() }
}

/** Pictures a second, read and decoded while the network runs: answers alone, and with Grad-CAM's map on each picture. The best of some rounds. */
async function throughput(rounds: number): Promise<CommandResult['throughput']> {
  const model = await open()
  const pictures = Array.from({ length: 24 }, (_, i) => PICTURES[i % PICTURES.length] ?? '')
  type Work = (model: NodeModel, image: Awaited<ReturnType<typeof readImage>>) => Promise<unknown>
  const perSecond = async (work: Work): Promise<number> => {
    const start = performance.now()
    await eachPicture(pictures, {
      read: (picture) => readImage(picture),
      work: async (image) => {
        await work(model, image)
        return undefined
      },
    })
    return (1000 * pictures.length) / (performance.now() - start)
  }
  const best = { forward: 0, gradCam: 0 }
  for (let i = 0; i < rounds; i++) {
    best.forward = Math.max(best.forward, await perSecond((m, image) => m.classify(image)))
    best.gradCam = Math.max(best.gradCam, await perSecond((m, image) => m.explain(image, { method: 'grad-cam' })))
  }
  await model.dispose()
  return { forward: round(best.forward), gradCam: round(best.gradCam) }
}

/** Seconds of a process of its own. */
function coldStart(): CommandResult['coldStart'] {
  const command = at('dist/cli/main.js')
  if (!existsSync(command)) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'onnxplain-bench-'))
  const methods = COLUMNS.flatMap((id) => ['--method', id])
  const seconds = Array.from({ length: 7 }, () => {
    const start = performance.now()
    const { status, stderr } = spawnSync(process.execPath, [
      command,
      PICTURES[2] ?? '',
      ...methods,
      '--quiet',
      '-o',
      folder,
    ])
    if (status !== 0) throw new Error(`the command failed: ${stderr}`)
    return (performance.now() - start) / 1000
  })
  rmSync(folder, { recursive: true })
  return spread(seconds)
}
