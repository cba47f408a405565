/**
 * Probes mutants with ONNX Runtime, in a process of their own, since a damaged model may end the runtime itself:
 *
 *     node --import tsx test/fuzz/probe-mutants.ts FIRST COUNT
 *
 * Prints a line of JSON before and after each: `{"number":7}`, then `{"number":7,"fate":"probed"}` or the code of the error, or the stack of
 * anything else.
 */
import { ExplainError } from '../../src/core/errors.js'
import { decode } from '../../src/onnx/decode.js'
import { probe } from '../../src/passes/probe.js'
import { runtime } from '../support/ort.js'
import { mutant } from './mutate.js'
import { EXTERNAL } from './seeds.js'

async function fate(number: number): Promise<string> {
  try {
    await probe(decode(mutant(number).bytes, { externalData: EXTERNAL }), runtime)
    return 'probed'
  } catch (error) {
    if (error instanceof ExplainError) return error.code
    return error instanceof Error ? `${error.stack}` : `thrown: ${error}`
  }
}

const [first = 0, count = 0] = process.argv.slice(2).map(Number)
for (let number = first; number < first + count; number++) {
  process.stdout.write(`${JSON.stringify({ number })}\n`)
  process.stdout.write(`${JSON.stringify({ number, fate: await fate(number) })}\n`)
}
