/** All that is needed to make the map again. */
import { useDesk } from './context.js'
import { scoreOf } from './numbers.js'

export function ProvenancePanel() {
  const { studio } = useDesk()
  const provenance = studio.shown.value?.explanation.provenance
  const notes = [...new Set([...(studio.model.value?.notes ?? []), ...(provenance?.notes ?? [])])]
  return (
    <details class="panel fold">
      <summary>
        <h2>Provenance</h2>
      </summary>
      {provenance ? (
        <>
          <dl class="pairs">
            <dt>model</dt>
            <dd>{provenance.model.name}</dd>
            <dt>SHA-256</dt>
            <dd class="hash">{provenance.model.sha256 ? `${provenance.model.sha256.slice(0, 16)} …` : 'not known'}</dd>
            <dt>method</dt>
            <dd>{provenance.method}</dd>
            <dt>layer</dt>
            <dd>{provenance.layer ?? 'the input'}</dd>
            <dt>explained</dt>
            <dd>
              {scoreOf(provenance.target)} of{' '}
              {provenance.target.kind === 'class' ? `class ${provenance.target.index}` : provenance.answer.label} (
              {provenance.target.kind})
            </dd>
            <dt>score</dt>
            <dd>{provenance.answer.logit.toFixed(3)}</dd>
            <dt>runtime</dt>
            <dd>{provenance.runtime}</dd>
            <dt>onnxplain</dt>
            <dd>{provenance.onnxplain}</dd>
          </dl>
          {notes.length > 0 && (
            <ul class="facts">
              {notes.map((n) => (
                <li key={n}>{n}</li>
              ))}
            </ul>
          )}
          <button
            type="button"
            class="button"
            onClick={() => void navigator.clipboard.writeText(JSON.stringify(provenance, null, 2))}
          >
            Copy as JSON
          </button>
        </>
      ) : (
        <p class="muted">No map yet.</p>
      )}
    </details>
  )
}
