/** A region of a model's own map, short enough for a target. */

/** Places of the model's own map that are explained: lengths of runs outside and inside in turn, row by row, outside first. */
export interface RegionMask {
  readonly height: number
  readonly width: number
  readonly runs: readonly number[]
}

/** Places of the model's map, 1 inside, row by row, as a target has them. */
export function regionMask(mask: Uint8Array, width: number, height: number): RegionMask {
  const runs: number[] = []
  let [inside, length] = [0, 0]
  for (const v of mask)
    if (v === inside) length++
    else {
      runs.push(length)
      ;[inside, length] = [v, 1]
    }
  return { height, width, runs: [...runs, length] }
}

/** 1 inside, 0 outside, row by row. */
export function maskPlaces({ height, width, runs }: RegionMask): Float32Array {
  const out = new Float32Array(height * width)
  let at = 0
  for (const [i, length] of runs.entries()) {
    if (i % 2 === 1) out.fill(1, at, at + length)
    at += length
  }
  return out
}
