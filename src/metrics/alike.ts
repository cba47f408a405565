/** How alike two maps of one picture are. */
import { byMaximum } from './maps.js'
import type { MapPlane } from './metric.js'
import { spearman, ssim } from './statistics.js'

export const ALIKE_OPTIONS = {
  values: {
    kind: 'choice',
    default: 'magnitude',
    choices: ['magnitude', 'signed'],
    description: 'what is compared: the magnitude of the maps, or their values as they are',
  },
} as const

export interface Alike {
  /** Spearman's rank correlation. */
  readonly spearman: number
  /** Structural similarity, of maps divided by their largest magnitude. */
  readonly ssim: number
}

export function alike(a: MapPlane, b: MapPlane, values: 'magnitude' | 'signed'): Alike {
  const [x, y] = [a, b].map(({ data }) => byMaximum(values === 'magnitude' ? data.map((v) => Math.abs(v)) : data))
  return x && y ? { spearman: spearman(x, y), ssim: ssim(x, y, a) } : { spearman: 0, ssim: 0 }
}
