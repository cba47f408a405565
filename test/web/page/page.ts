/** What the tests call in a page, by name: `page.ask(...)`. Everything takes and gives plain data. */
import { pack } from '../../contract/packed.js'
import { ask } from './ask.js'
import { firstFed, looks } from './pictures.js'
import { opens } from './sources.js'
import * as working from './working.js'

const functions = { ask, firstFed, looks, opens, ...working }

export type PageFunctions = typeof functions

const called = Object.fromEntries(
  Object.entries(functions).map(([name, call]) => [
    name,
    async (...args: readonly unknown[]) =>
      pack(await (call as (...args: readonly unknown[]) => Promise<unknown>)(...args)),
  ]),
)
Object.assign(globalThis, { page: called })
