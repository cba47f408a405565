/** What takes a while: a thin line under the bar, in words and numbers, with a way to stop it. */
import type { Progress } from '../state/studio.js'
import { useDesk } from './context.js'
import { megabytes } from './numbers.js'

export function ProgressLine() {
  const { studio } = useDesk()
  const progress = studio.loading.value ?? studio.working.value
  return (
    <div class="progress" aria-live="polite">
      {progress && <Line progress={progress} />}
    </div>
  )
}

function Line({ progress }: { readonly progress: Progress }) {
  const { label, done, total, cancel } = progress
  return (
    <>
      <progress class="progress-bar" aria-label={label} {...(total === undefined ? {} : { value: done, max: total })} />
      <span class="progress-words">
        <span>
          {label}
          {countOf(progress)}
        </span>
        <button type="button" class="link" onClick={cancel}>
          Cancel
        </button>
      </span>
    </>
  )
}

function countOf({ done, total, unit }: Progress): string {
  if (done === 0 && total === undefined) return ' …'
  if (unit === 'bytes')
    return total === undefined ? ` ${megabytes(done)}` : ` ${megabytes(done)} of ${megabytes(total)}`
  return total === undefined ? ' …' : ` ${done} of ${total} ${unit}`
}
