/** The panel that says beside a map whether it deserves belief. */
import type { FigureSpec } from '../render/index.js'

/** What a panel tells of; `CheckReport` of the metrics is one. */
export interface Judged {
  readonly summary: string
  readonly checks: readonly { readonly id: string; readonly verdict: string }[]
}

const HEADS = { fine: 'Fine', unclear: 'Unclear', suspicious: 'Suspicious', 'not-asked': 'Not asked' } as const

/** The figure with one more column, which holds the verdicts in its first row. */
export function withCheck(figure: FigureSpec, { summary, checks }: Judged): FigureSpec {
  const lists = Object.entries(HEADS).flatMap(([verdict, head]) => {
    const ids = checks.filter((c) => c.verdict === verdict).map((c) => c.id)
    return ids.length > 0 ? [`${head}: ${ids.join(', ')}.`] : []
  })
  const message = [...lists, summary].join('\n')
  return {
    ...figure,
    columns: [...figure.columns, { title: 'Should you believe it?' }],
    rows: figure.rows.map((row, i) => ({ ...row, cells: [...row.cells, { message: i === 0 ? message : '' }] })),
  }
}
