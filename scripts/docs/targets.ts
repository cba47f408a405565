/** docs/targets.md: what can be explained. */
import { readFileSync } from 'node:fs'
import { TARGET_KINDS } from '../../src/targets/index.js'
import { tableOf as table } from './table.js'

/** One target of one network, held to PyTorch. */
export interface TargetAgreement {
  readonly network: string
  readonly target: string
  readonly score: number
  readonly theirs: number
  /** Correlation of the gradient by the pixels, and by the layer. */
  readonly input: number
  readonly layer?: number
  readonly note: string
}

const ANSWERS = {
  classes: 'classifiers, question answerers',
  words: 'captioners',
  map: 'segmentation',
  boxes: 'detectors',
  embedding: 'embeddings, CLIP',
  values: 'others',
} as const

export function targetsPage(): string {
  const kinds = TARGET_KINDS.map((d) => [
    `\`${d.kind}\``,
    d.summary,
    `\`${d.syntax.replaceAll(' | ', '`, `')}\``,
    `\`${JSON.stringify(d.example)}\``,
    d.answers ? d.answers.map((a) => ANSWERS[a]).join('; ') : 'any value of any network',
    d.source,
  ])
  const text = readFileSync(new URL('targets-text.md', import.meta.url), 'utf8')
  const rows: readonly TargetAgreement[] = JSON.parse(
    readFileSync(new URL('target-agreement.json', import.meta.url), 'utf8'),
  )
  const agreement = rows.map((r) => [
    r.network,
    r.target,
    r.input.toFixed(5),
    r.layer === undefined ? '' : r.layer.toFixed(5),
    r.note,
  ])
  return text
    .replace('<!-- kinds -->', table(['kind', 'explains', 'as text', 'as JSON', 'of', 'source'], kinds))
    .replace('<!-- agreement -->', table(['network', 'target', 'pixels', 'layer', ''], agreement))
}
