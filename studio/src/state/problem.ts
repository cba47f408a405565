/** What went wrong, in words for the page. */
import { ExplainError } from 'onnxplain/web'

export interface Problem {
  /** What was being done: `This model could not be opened`. */
  readonly title: string
  readonly what: string
  readonly where: string | undefined
  readonly remedy: string | undefined
  readonly code: string | undefined
  /** Operators without a backward rule, where these are the problem. */
  readonly operators: readonly string[]
}

export function problemOf(title: string, error: unknown): Problem {
  if (error instanceof ExplainError) {
    const { what, where, remedy, code, details } = error
    return { title, what, where, remedy, code, operators: operatorsOf(details) }
  }
  const what = error instanceof Error ? error.message : String(error)
  return { title, what, where: undefined, remedy: undefined, code: undefined, operators: [] }
}

function operatorsOf({ nodes }: Readonly<Record<string, unknown>>): readonly string[] {
  if (!Array.isArray(nodes)) return []
  const counts = new Map<string, number>()
  for (const node of nodes as readonly { readonly op?: unknown }[])
    counts.set(String(node.op), (counts.get(String(node.op)) ?? 0) + 1)
  return [...counts].map(([op, count]) => (count > 1 ? `${op} (${count} nodes)` : op))
}

/** True where work was given up on purpose, which is no problem. */
export function isAborted(error: unknown): boolean {
  return error instanceof ExplainError && error.code === 'aborted'
}
