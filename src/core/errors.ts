/**
 * The one error class of onnxplain. `code` is stable and meant for programs; `message` says what happened, where,
 * and what to do about it, and is meant for people.
 */

/** Every code an {@link ExplainError} can carry. */
export const ERROR_CODES = [
  'aborted',
  'ambiguous-grid',
  'bad-option',
  'cannot-read',
  'cannot-serve',
  'cannot-write',
  'external-data-missing',
  'image-too-large',
  'invalid-image',
  'invalid-model',
  'invalid-tensor',
  'method-not-applicable',
  'missing-ground-truth',
  'missing-input',
  'no-image-input',
  'no-runtime',
  'no-vocabulary',
  'not-connected',
  'not-finite-weight',
  'runtime-disagrees',
  'runtime-failed',
  'shape-mismatch',
  'unknown-colormap',
  'unknown-label',
  'unknown-layer',
  'unknown-method',
  'unknown-metric',
  'unknown-value',
  'unknown-word',
  'unsupported-operator',
  'unsupported-opset',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** What went wrong, where it went wrong, and what can be done: the three parts of every message. */
export interface ErrorParts {
  /** What happened, with the received value quoted. */
  readonly what: string
  /** The file, node, operator, value or option concerned. */
  readonly where?: string
  /** What the reader can do about it. */
  readonly remedy?: string
  /** Data for programs: nodes, candidates, received values. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

export class ExplainError extends Error {
  override readonly name = 'ExplainError'
  readonly code: ErrorCode
  readonly what: string
  readonly where: string | undefined
  readonly remedy: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, parts: ErrorParts) {
    const where = parts.where ? ` (${parts.where})` : ''
    const remedy = parts.remedy ? ` ${parts.remedy}` : ''
    super(`${parts.what}${where}.${remedy}`, parts.cause === undefined ? undefined : { cause: parts.cause })
    this.code = code
    this.what = parts.what
    this.where = parts.where
    this.remedy = parts.remedy
    this.details = parts.details ?? {}
  }
}

/** Throws `aborted` once the signal is aborted; long work calls it between its steps. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new ExplainError('aborted', { what: 'The work was aborted', cause: signal.reason })
}
