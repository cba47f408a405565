/** The files that tests read. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A path in the repository. */
export function pathOf(relative: string): string {
  return fileURLToPath(new URL(`../../${relative}`, import.meta.url))
}

/** The bytes of a file in an ArrayBuffer of their own. */
export function readBytes(relative: string): Uint8Array {
  return Uint8Array.from(readFileSync(pathOf(relative)))
}

export const SHIPPED_MODEL = 'models/efficientnet-lite0/onnx/model.onnx'
