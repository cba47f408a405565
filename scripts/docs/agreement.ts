/** What scripts/agreement.ts measured. */
import { readFileSync } from 'node:fs'
import type { Agreement } from '../../test/methods/agreement/agreement.js'

/** An entry of the list of agreements. */
export type AgreementKey = Pick<Agreement, 'method' | 'reference' | 'network' | 'fixture'>

export interface Agreements {
  readonly maps: readonly (AgreementKey & { readonly correlation: number })[]
  /** Time of a map over that of a forward pass, by method, on the shipped model. */
  readonly costs: Readonly<Record<string, number>>
}

export function keyOf({ method, reference, network, fixture }: Agreement): AgreementKey {
  return { method, reference, network, fixture }
}

export const MEASURED: Agreements = JSON.parse(readFileSync(new URL('agreement.json', import.meta.url), 'utf8'))

/** The libraries that a method is held to. */
export function referencesOf(method: string): string {
  return [...new Set(MEASURED.maps.filter((m) => m.method === method).map((m) => m.reference))].join('; ')
}

/** The least correlation with them, and on how many networks. */
export function agreementOf(method: string): string {
  const maps = MEASURED.maps.filter((m) => m.method === method)
  if (maps.length === 0) return ''
  const least = Math.min(...maps.map((m) => m.correlation))
  const networks = new Set(maps.map((m) => m.network)).size
  return `${least.toFixed(4)} (${maps.length} ${maps.length === 1 ? 'map' : 'maps'}, ${networks} ${networks === 1 ? 'network' : 'networks'})`
}

export function costOf(method: string): string {
  const ratio = MEASURED.costs[method]
  return ratio === undefined ? '' : `${ratio}`
}

/** Entries of the list that were not measured, and measured ones that are no longer in it. */
export function unmeasured(list: readonly Agreement[]): readonly string[] {
  const [wanted, found] = [list.map(keyOf), MEASURED.maps.map(({ correlation: _, ...key }) => key)].map((keys) =>
    keys.map((key) => JSON.stringify(key)),
  )
  return [...(wanted ?? []).filter((k) => !found?.includes(k)), ...(found ?? []).filter((k) => !wanted?.includes(k))]
}
