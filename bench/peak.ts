// Bytes of memory at the peak of a process that runs a model's forward pass, or the gradient of its input, three times: for bench/network.ts.
import { ortRuntime } from '../src/node/ort.js'
import { prepared } from './network.js'

const [path = '', what = 'forward'] = process.argv.slice(2)
const runtime = await ortRuntime()
const { plain, session: options, feeds, compiled } = await prepared(path, runtime)
const gradient = what === 'forward' ? undefined : compiled(what)
const session = await runtime.createSession(gradient?.file ?? plain, gradient ? options : {})
for (let i = 0; i < 3; i++) await session.run(gradient?.feeds([0]) ?? feeds)
process.stdout.write(String(process.resourceUsage().maxRSS * 1024))
