/** Numbers as people read them. */
import { type ExplainedAnswer, formatNumber, type Target } from 'onnxplain/web'

export { formatNumber }

export function percent(p: number): string {
  if (p >= 0.095) return `${Math.round(p * 100)} %`
  return p >= 0.0095 ? `${(p * 100).toFixed(0)} %` : p >= 0.0005 ? `${(p * 100).toFixed(1)} %` : '< 0.1 %'
}

export function milliseconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export function millions(n: number): string {
  return (n / 1e6).toFixed(n < 1e7 ? 1 : 0)
}

export function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** With its sign, also where it is a plus. */
export function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${formatNumber(value)}`
}

/** A change of a probability: percentage points. */
export function points(change: number): string {
  const rounded = Math.round(change * 1000) / 10
  const digits = Math.abs(rounded) >= 9.95 ? 0 : 1
  const text = Math.abs(rounded).toFixed(digits)
  return `${Number(text) === 0 ? '±' : rounded < 0 ? '−' : '+'}${text} points`
}

/** What of a target is explained: its logit, its probability; of numbers the number. */
export function scoreOf(target: Target): string {
  return 'score' in target ? target.score : 'value'
}

/** Whose: `of the class' logit`. */
export function scoreWords({ target, answer }: { readonly target: Target; readonly answer: ExplainedAnswer }): string {
  return target.kind === 'class' ? `of the class' ${target.score}` : `of the ${scoreOf(target)} of ${answer.label}`
}
