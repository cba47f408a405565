/** Pictures as files, made here so that their pixels are known. */
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c >>> 0
})

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff
  for (const b of bytes) c = (CRC[(c ^ b) & 255] ?? 0) ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

export interface PngSpec {
  readonly width: number
  readonly height: number
  readonly bitDepth: 1 | 8 | 16
  /** 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA. */
  readonly colourType: 0 | 2 | 4 | 6
  /** The rows without their filter bytes, big-endian. */
  readonly rows: Uint8Array
}

/** A PNG written by hand: exactly these numbers, whatever a library would make of them. */
export function png({ width, height, bitDepth, colourType, rows }: PngSpec): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([bitDepth, colourType, 0, 0, 0], 8)
  const stride = rows.length / height
  const filtered = Buffer.alloc((stride + 1) * height)
  for (let y = 0; y < height; y++) filtered.set(rows.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(filtered, { level: 1 })),
    chunk('IEND', new Uint8Array()),
  ])
}

/** 16 bit numbers as PNG stores them. */
export function bigEndian(values: readonly number[]): Uint8Array {
  const out = Buffer.alloc(values.length * 2)
  for (const [i, v] of values.entries()) out.writeUInt16BE(v, 2 * i)
  return out
}

/** A whole, valid PNG of 30000 x 30000 black pixels in half a megabyte; 3.6 GB once decoded to RGBA. */
export function bomb(): Uint8Array {
  const side = 30_000
  return png({ width: side, height: side, bitDepth: 1, colourType: 0, rows: new Uint8Array((side / 8) * side) })
}

/** Four quadrants, red green / blue white, of RGBA pixels: what survives lossy codecs, and shows which side is up. */
export function quadrants(width: number, height: number): Uint8Array {
  const colours = [
    [255, 0, 0, 255],
    [0, 255, 0, 255],
    [0, 0, 255, 255],
    [255, 255, 255, 255],
  ]
  return Uint8Array.from({ length: 4 * width * height }, (_, i) => {
    const [p, c] = [i >> 2, i & 3]
    const place = (p % width < width / 2 ? 0 : 1) + (Math.floor(p / width) < height / 2 ? 0 : 2)
    return colours[place]?.[c] ?? 0
  })
}

/** The quadrants as a sharp pipeline, to be written in any format. */
export function quadrantsImage(width: number, height: number): ReturnType<typeof sharp> {
  return sharp(quadrants(width, height), { raw: { width, height, channels: 4 } })
}
