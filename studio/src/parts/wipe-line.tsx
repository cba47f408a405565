/** The line up to which the map is wiped away: dragged by its grip, or moved by keys. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useDesk } from './context.js'

export function WipeLine() {
  const { studio } = useDesk()
  const held = useSignal(false)
  const share = studio.wipe.value
  const per = Math.round(share * 100)
  const set = (to: number): void => {
    studio.wipe.value = Math.min(1, Math.max(0, to))
  }
  const drag = (event: JSX.TargetedPointerEvent<HTMLDivElement>): void => {
    const sheet = event.currentTarget.parentElement?.getBoundingClientRect()
    if (held.value && sheet) set((event.clientX - sheet.left) / sheet.width)
  }
  const release = (): void => {
    held.value = false
  }
  const pressed = (event: JSX.TargetedKeyboardEvent<HTMLDivElement>): void => {
    const to = next(event.key, share)
    if (to === undefined) return
    event.preventDefault()
    set(to)
  }
  return (
    <div
      class="wipe"
      role="slider"
      tabIndex={0}
      aria-label="Wipe the map away"
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={per}
      aria-valuetext={`bare picture up to ${per} %, the map from there`}
      style={{ left: `${share * 100}%` }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        held.value = true
      }}
      onPointerMove={drag}
      onPointerUp={release}
      onPointerCancel={release}
      onKeyDown={pressed}
    >
      <span class="wipe-grip" aria-hidden="true" />
    </div>
  )
}

const STEP = 0.02
const LEAP = 0.1

function next(key: string, share: number): number | undefined {
  const to: Readonly<Record<string, number>> = {
    ArrowLeft: share - STEP,
    ArrowDown: share - STEP,
    ArrowRight: share + STEP,
    ArrowUp: share + STEP,
    PageDown: share - LEAP,
    PageUp: share + LEAP,
    Home: 0,
    End: 1,
  }
  return to[key]
}
