/** ONNX Runtime's native build, which the tests run on. */
import { ortRuntime } from '../../src/node/ort.js'

/** One thread: most models here are too small to share out, and test files run at the same time. */
export const runtime = await ortRuntime({ backend: 'native', threads: 1 })
