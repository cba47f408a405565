/** What a map was made from, short enough to keep beside it. */
import type { Tensor } from '../core/tensor.js'
import type { Provenance } from './explanation.js'

/** Values that are listed; of more the hash is kept. */
const FEW_VALUES = 64

/** What the other inputs were given. */
export async function provenanceInputs(inputs: Readonly<Record<string, Tensor>>): Promise<Provenance['inputs']> {
  const entries = Object.entries(inputs).map(async ([name, { type, dims, data }]) => {
    const few = data.length <= FEW_VALUES
    const list = (): (number | string)[] =>
      Array.from(data as ArrayLike<number | bigint>, (v) => (typeof v === 'bigint' ? String(v) : v))
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return [name, { type, dims, values: few ? list() : null, sha256: few ? null : await sha256(bytes) }] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

/** SHA-256 of bytes, in hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('')
}
