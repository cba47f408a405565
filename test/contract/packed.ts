/** Plain data with typed arrays in it, as JSON and back: what goes between a page and the tests. */
const KINDS = {
  Float32Array,
  Float64Array,
  Uint8Array,
  Int32Array,
  BigInt64Array,
} as const
const MARK = '$array'

/** As JSON text. Functions are left out; a typed array keeps its type. */
export function pack(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => {
    if (typeof v === 'bigint') return String(v)
    if (typeof v === 'number' && !Number.isFinite(v)) return String(v)
    if (!ArrayBuffer.isView(v)) return v
    const bytes = new Uint8Array(v.buffer, v.byteOffset, v.byteLength)
    let text = ''
    for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
    return { [MARK]: v.constructor.name, base64: btoa(text) }
  })
}

export function unpack(text: string): unknown {
  return JSON.parse(text, (_, v: unknown) => {
    if (typeof v !== 'object' || v === null || !(MARK in v)) return v
    const { [MARK]: kind, base64 } = v as { readonly [MARK]: keyof typeof KINDS; readonly base64: string }
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
    return new KINDS[kind](bytes.buffer)
  })
}
