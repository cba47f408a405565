/** What went wrong: what, where, and what can be done. The last good result stays below it. */
import { useDesk } from './context.js'

export function Notice() {
  const { studio } = useDesk()
  const problem = studio.problem.value
  const close = (): void => {
    studio.problem.value = undefined
  }
  if (!problem) return null
  const { title, what, where, remedy, code, operators } = problem
  const blocked = code === 'unsupported-operator' || code === 'method-not-applicable' || code === 'unknown-layer'
  const occlusion = blocked && studio.method.value !== 'occlusion'
  return (
    <section class="notice" role="alert">
      <div class="notice-words">
        <h2>{title}</h2>
        <p>
          {what}
          {where ? ` (${where})` : ''}. {remedy}
        </p>
        {operators.length > 0 && (
          <p>No backward rule: {operators.join(', ')}. Methods that need a gradient stop there.</p>
        )}
        {code && <p class="muted">Code: {code}</p>}
      </div>
      <div class="notice-actions">
        {occlusion && (
          <button
            type="button"
            class="button"
            onClick={() => {
              studio.method.value = 'occlusion'
              close()
            }}
          >
            Use occlusion, which needs no gradient
          </button>
        )}
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </div>
    </section>
  )
}
