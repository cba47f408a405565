// Which forms of the standard's operators the runtime has no kernel for, by trying the samples of each at the opsets that changed it:
//
//     npx tsx scripts/missing-kernels.ts > scripts/docs/missing-kernels.json
import { ortRuntime } from '../src/node/ort.js'
import { makeCase, modelOf, opsetsOf, withSession } from '../test/vjp/case.js'
import { isPinned, type Sample } from '../test/vjp/sample.js'
import { SAMPLES } from '../test/vjp/samples/index.js'
import { readStandard } from './docs/coverage.js'

const runtime = await ortRuntime({ threads: 1 })

/** True where some sample fails for want of a kernel, and none runs. */
async function isMissing(op: string, samples: readonly Sample[], opset: number): Promise<boolean> {
  let missing = false
  for (const sample of samples.filter((s) => !isPinned(s) && Math.min(...opsetsOf(s)) <= opset)) {
    const c = await makeCase(op, sample, runtime)
    try {
      await withSession(runtime, modelOf(c, 'static', opset), async () => {})
      return false
    } catch (error) {
      missing ||= error instanceof Error && error.message.includes('Could not find an implementation')
    }
  }
  return missing
}

const found: Record<string, number[]> = {}
for (const [op, { versions }] of Object.entries(readStandard().operators)) {
  const samples = Object.entries<readonly Sample[]>(SAMPLES).find(([name]) => name === op)?.[1] ?? []
  for (const version of versions) if (await isMissing(op, samples, version)) found[op] = [...(found[op] ?? []), version]
}
console.log(JSON.stringify({ runtime: runtime.name, operators: found }, undefined, 2))
