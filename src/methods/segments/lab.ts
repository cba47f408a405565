/** CIELAB, in which distances are those that are seen. */

/** White under D65, for the 2 degree observer. */
const WHITE = [0.95047, 1, 1.08883] as const

/** XYZ of linear RGB, row by row. */
const XYZ = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
] as const

/** L, a and b of planes of sRGB in [0, 1], as scikit-image's `rgb2lab`. */
export function labOf(red: Float64Array, green: Float64Array, blue: Float64Array): readonly Float64Array[] {
  const lab = [new Float64Array(red.length), new Float64Array(red.length), new Float64Array(red.length)] as const
  for (let i = 0; i < red.length; i++) {
    const [r, g, b] = [linear(red[i] ?? 0), linear(green[i] ?? 0), linear(blue[i] ?? 0)]
    const [x = 0, y = 0, z = 0] = XYZ.map(([kr, kg, kb], at) => cubeRoot((kr * r + kg * g + kb * b) / (WHITE[at] ?? 1)))
    lab[0][i] = 116 * y - 16
    lab[1][i] = 500 * (x - y)
    lab[2][i] = 200 * (y - z)
  }
  return lab
}

function linear(v: number): number {
  return v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92
}

function cubeRoot(v: number): number {
  return v > 0.008856 ? Math.cbrt(v) : 7.787 * v + 16 / 116
}
