/** The names nearest to one that was mistyped. */
import { distance } from 'fastest-levenshtein'

/** Up to `count` candidates, best first: those that contain the name, then those a few letters away. Case is ignored. */
export function nearest(name: string, candidates: Iterable<string>, count = 5): string[] {
  const wanted = name.toLowerCase()
  const scored = [...new Set(candidates)].map((candidate) => {
    const lower = candidate.toLowerCase()
    return { candidate, score: distance(wanted, lower) - (lower.includes(wanted) ? 1000 : 0) }
  })
  const close = scored.filter((s) => s.score < Math.max(4, wanted.length * 0.6))
  return close
    .sort((a, b) => a.score - b.score)
    .slice(0, count)
    .map((s) => s.candidate)
}

/** `Did you mean a, b or c?`, or the empty string. */
export function didYouMean(name: string, candidates: Iterable<string>, count = 5): string {
  const found = nearest(name, candidates, count).map((c) => `"${c}"`)
  if (found.length === 0) return ''
  return `Did you mean ${found.length === 1 ? found[0] : `${found.slice(0, -1).join(', ')} or ${found[found.length - 1]}`}?`
}
