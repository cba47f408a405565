/** What every part of the page can reach. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Asking } from '../state/asking.js'
import type { Comparing } from '../state/comparing.js'
import type { Detecting } from '../state/detecting.js'
import type { Drawing } from '../state/drawing.js'
import type { Explaining } from '../state/explaining.js'
import type { Live } from '../state/live.js'
import type { Occluding } from '../state/occluding.js'
import type { Opening } from '../state/opening.js'
import type { Painting } from '../state/painting.js'
import type { Regions } from '../state/regions.js'
import type { Studio } from '../state/studio.js'
import type { Writing } from '../state/writing.js'

export interface Desk {
  readonly studio: Studio
  readonly opening: Opening
  readonly explaining: Explaining
  readonly comparing: Comparing
  readonly live: Live
  readonly drawing: Drawing
  readonly occluding: Occluding
  readonly regions: Regions
  readonly asking: Asking
  readonly writing: Writing
  readonly detecting: Detecting
  readonly painting: Painting
}

export const DeskContext = createContext<Desk | undefined>(undefined)

export function useDesk(): Desk {
  const desk = useContext(DeskContext)
  if (desk) return desk
  throw new Error('There is no desk around this part')
}
