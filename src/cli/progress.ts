/** A progress bar for long work, on a terminal only. */
import cliProgress from 'cli-progress'
import type { Progress } from '../explain/index.js'

export interface ProgressDisplay {
  readonly update: (progress: Pick<Progress, 'method' | 'done' | 'total'>) => void
  readonly stop: () => void
}

/** Draws on standard error where that is a terminal and `wanted`; else does nothing. */
export function showProgress(wanted: boolean): ProgressDisplay {
  if (!wanted || !process.stderr.isTTY) return { update: () => undefined, stop: () => undefined }
  const bar = new cliProgress.SingleBar(
    {
      format: '{method} {bar} {value}/{total}, {eta} s left',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    cliProgress.Presets.shades_classic,
  )
  let started = false
  return {
    update: ({ method, done, total }) => {
      if (!started) bar.start(total, done, { method })
      started = true
      bar.update(done, { method })
    },
    stop: () => {
      if (started) bar.stop()
    },
  }
}
