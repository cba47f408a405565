/** Results as text and as JSON. */
import type { ExplanationSet, Inspection } from '../explain/index.js'
import type { Method } from '../methods/method.js'
import type { Target } from '../targets/index.js'

/** Rows as columns, each as wide as its widest entry; `right` lists the columns that are set to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((r) => r[c]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((cell, c) => (right.includes(c) ? cell.padStart(widths[c] ?? 0) : cell.padEnd(widths[c] ?? 0))).join('  ')
  return rows.map((row) => `  ${line(row).trimEnd()}\n`).join('')
}

/** What the score of a target that is no class is. */
function scoreName(target: Target): string {
  if (target.kind === 'similarity') return 'cosine'
  if (target.kind === 'text') return target.other === undefined ? 'cosine' : 'difference of cosines'
  return 'score'
}

/** The best answers, a row each. */
export function answersTable({ answers }: ExplanationSet, top: number): string {
  const rows = answers
    .slice(0, top)
    .map((a) => [String(a.index), a.label, a.probability.toFixed(3), `logit ${a.logit.toFixed(2)}`])
  return table(rows, [0])
}

/** The layers of the maps. */
export function layersText({ explanations }: ExplanationSet): string {
  const layers = [...new Set(explanations.flatMap((e) => e.raw.layer ?? []))]
  return layers.map((layer) => `  layer: ${layer}\n`).join('')
}

export function answersText(
  name: string,
  set: ExplanationSet,
  top: number,
  written: { readonly figures: readonly string[]; readonly raw: string | undefined },
): string {
  const others = [...new Map(set.explanations.map((e) => [e.answer.key, e])).values()]
    .filter((e) => e.answer.probability === null)
    .map((e) => `  ${e.answer.label}: ${scoreName(e.target)} ${Number(e.answer.logit.toPrecision(4))}\n`)
  const figures = written.figures.map((path) => `  figure: ${path}\n`)
  const files = [...figures, ...(written.raw === undefined ? [] : [`  raw: ${written.raw}\n`])]
  return `${name}\n${answersTable(set, top)}${others.join('')}${layersText(set)}${files.join('')}`
}

/** What there is to know beside the maps: what is odd about them, notes that the model itself has not said, and what was refused. */
export function warnOf(set: ExplanationSet, said: readonly string[], warn: (line: string) => void): void {
  for (const e of set.explanations)
    for (const d of e.diagnosis) warn(`${e.method.id} of ${e.answer.label}: ${d.message}`)
  for (const note of new Set(set.explanations.flatMap((e) => e.provenance.notes))) if (!said.includes(note)) warn(note)
  for (const r of set.refused) warn(r.error.message)
}

export function inspectionText(name: string, i: Inspection): string {
  const values = (list: Inspection['outputs']): string => table(list.map((v) => [v.name, v.type ?? '?', dims(v.dims)]))
  // where there is one input alone, it need not be said which takes the picture
  const marked = i.inputs.length > 1
  const inputs = i.inputs.map((v) => [v.name, v.type ?? '?', dims(v.dims), marked && v.picture ? '(picture)' : ''])
  const grids = i.layers.some((l) => placesText(l) !== '')
  const layers = i.layers.map((l) => [
    l.name,
    l.op,
    dims(l.dims),
    ...(grids ? [placesText(l)] : []),
    l.default ? '(default)' : '',
  ])
  const missing = i.withoutRule.map((o) => [o.op, `${o.nodes.length}`, o.nodes.slice(0, 3).join(', ')])
  const size = `${(i.parameters / 1e6).toFixed(2)} M weights, ${(i.bytes / 1e6).toFixed(1)} MB`
  return [
    `${name}\n  opset ${i.opset}, ${i.nodes} nodes, ${size}\n`,
    `inputs\n${table(inputs)}`,
    `outputs\n${values(i.outputs)}`,
    layers.length > 0 ? `layers\n${table(layers)}` : '',
    missing.length > 0
      ? `operators without a backward rule (gradient methods do not work; occlusion does)\n${table(missing, [1])}`
      : '',
    i.problems.map((p) => `note: ${p}\n`).join(''),
  ].join('')
}

/** Where the shape does not say it: the grid of tokens, or of a map with its channels last. */
function placesText({ grid, others, dims }: Inspection['layers'][number]): string {
  const plain = others === null && dims?.slice(2).join() === grid.join()
  if (plain) return ''
  const around = others ? [others.before, others.after].map((n) => (n > 0 ? `${n}` : '')) : ['', '']
  const places = grid.map((size) => size ?? '?').join(' x ')
  return [around[0], places, around[1]].filter((part) => part !== '').join(' + ')
}

function dims(d: readonly (number | string | null)[] | null): string {
  return d ? `[${d.map((x) => x ?? '?').join(', ')}]` : '[?]'
}

export function methodsText(methods: readonly Method[]): string {
  const head = ['ID', 'FAMILY', 'KIND', 'COST', 'SOURCE']
  return table([head, ...methods.map((m) => [m.id, m.family, m.kind, m.cost, m.source])])
}
