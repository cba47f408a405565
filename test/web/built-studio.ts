/** The studio as it is built from the sources of this moment. */
import { join } from 'node:path'
import { built } from '../cli/built.js'

/** The folder that `serveStudio({ root })` serves. */
export async function builtStudio(): Promise<string> {
  return join(await built(), 'dist/studio')
}
