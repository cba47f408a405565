/** Is the map to be believed: a few plain facts about it, in words. */
import type { Heatmap, WebExplanation } from 'onnxplain/web'
import type { Shown } from '../state/studio.js'
import { useDesk } from './context.js'

export function HowSure() {
  const { studio, explaining } = useDesk()
  const shown = studio.shown.value
  // maps of other answers arrive after the first
  studio.aheadOf.value
  if (!shown) return null
  const facts = factsOf(shown, explaining.known(studio.answers.value.slice(0, 5)))
  return (
    <section class="panel">
      <h2>How sure is this</h2>
      <ul class="facts">
        {facts.map((fact) => (
          <li key={fact}>{fact}</li>
        ))}
      </ul>
    </section>
  )
}

function factsOf({ explanation, subject, partial }: Shown, others: readonly WebExplanation[]): readonly string[] {
  if (partial) return ['The map is still being filled in.']
  const { raw, heatmap, diagnosis, method, answer } = explanation
  const facts = diagnosis.map((d) => d.message)
  const [rows = 1, columns = 1] = raw.dims
  if (raw.layer !== undefined && raw.dims.length === 2) {
    const cell = Math.round(cellOf(heatmap, columns))
    facts.push(
      `The layer sees ${rows} × ${columns} cells: one cell is about ${cell} pixels of your picture. Detail finer than that is drawn, not seen.`,
    )
  }
  const share = seenShare(heatmap)
  if (share < 0.995)
    facts.push(`The network saw ${Math.round(share * 100)} % of the picture; the rest was cut off before it.`)
  const other = others.find((e) => e.answer.index !== answer.index)
  if (other && other.raw.dims.join() === raw.dims.join()) {
    const r = correlation(raw.data, other.raw.data)
    const verdict =
      r > 0.9
        ? 'nearly the same map: it hardly tells these two apart'
        : r > 0.5
          ? 'a similar map'
          : 'another map: it depends on the class'
    facts.push(`The map of ${other.answer.label} has a correlation of ${r.toFixed(2)} with this one: ${verdict}.`)
  }
  if (answer.probability !== null && answer.probability < 0.2)
    facts.push(`The network itself gives ${answer.label} only ${(answer.probability * 100).toFixed(1)} %.`)
  if (method.id === 'guided-backpropagation' || method.id === 'deconvnet')
    facts.push('This method shows what excites the network at all; it hardly depends on the class.')
  return facts.length > 0 || subject.picture.width === 0 ? facts : ['Nothing is odd about this map.']
}

/** The side of a cell in pixels of the picture. */
function cellOf({ seen }: Heatmap, columns: number): number {
  return (seen.x1 - seen.x0) / columns
}

function seenShare({ seen, width, height }: Heatmap): number {
  const across = Math.min(width, seen.x1) - Math.max(0, seen.x0)
  const down = Math.min(height, seen.y1) - Math.max(0, seen.y0)
  return (across * down) / (width * height)
}

function correlation(a: Float32Array, b: Float32Array): number {
  const mean = (v: Float32Array): number => v.reduce((s, x) => s + x, 0) / v.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (const [i, v] of a.entries()) {
    const [x, y] = [v - ma, (b[i] ?? 0) - mb]
    ab += x * y
    aa += x * x
    bb += y * y
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0
}
