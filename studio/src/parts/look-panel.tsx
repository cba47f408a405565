/** How the map is drawn: opacity, colours, threshold, signs; and the bar that says what the colours stand for. */
import { COLORMAP_NAMES, COLORMAPS, DEFAULT_OPACITY } from 'onnxplain/web'
import type { Look } from '../state/studio.js'
import { ColourBar } from './bar.js'
import { useDesk } from './context.js'
import { percent, scoreWords } from './numbers.js'

/** The bar does not depend on the size that the map is drawn at, but for single pixels. */
const BAR_SIZE = { width: 224, height: 224 }

export function LookPanel() {
  const { studio, drawing, occluding } = useDesk()
  const look = studio.look.value
  const method = studio.methodInfo.value
  const shown = studio.shown.value
  const set = (changes: Partial<Look>): void => {
    studio.look.value = { ...studio.look.value, ...changes }
  }
  const signed = look.signed ?? method?.display === 'signed'
  const size = shown && drawing.sizeIn(shown.subject, BAR_SIZE)
  const drawn = shown && size && drawing.draw(shown.subject, shown.explanation, size, look)
  return (
    <section class="panel">
      <label class="field">
        <span class="field-name">
          Opacity <output>{percent(look.opacity ?? DEFAULT_OPACITY['by-value'])}</output>
        </span>
        <input
          type="range"
          min={0}
          max={1}
          step={0.01}
          value={look.opacity ?? DEFAULT_OPACITY['by-value']}
          onInput={(event) => set({ opacity: event.currentTarget.valueAsNumber })}
        />
      </label>
      <label class="field">
        <span class="field-name">
          Show from <output>{look.threshold === 0 ? 'all' : percent(look.threshold)}</output>
        </span>
        <input
          type="range"
          min={0}
          max={0.95}
          step={0.01}
          value={look.threshold}
          onInput={(event) => set({ threshold: event.currentTarget.valueAsNumber })}
        />
      </label>
      <label class="field">
        <span class="field-name">Colours</span>
        <select
          value={look.colormap ?? ''}
          onChange={(event) => set({ colormap: COLORMAP_NAMES.find((c) => c === event.currentTarget.value) })}
        >
          <option value="">as usual for the method</option>
          {COLORMAP_NAMES.filter((name) => !signed || COLORMAPS[name].kind === 'diverging').map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <fieldset class="choice">
        <legend class="sr">Signs</legend>
        {(
          [
            ['Positive', false],
            ['Signed', true],
          ] as const
        ).map(([title, value]) => (
          <label key={title}>
            <input type="radio" name="signs" checked={signed === value} onChange={() => set({ signed: value })} />
            {title}
          </label>
        ))}
      </fieldset>
      {studio.tool.value === 'occlude' && occluding.bar.value && (
        <ColourBar
          bar={occluding.bar.value}
          what="Occluded by hand: how far the class' logit falls under the square, in the mean of the squares over a place; scaled to the largest so far."
        />
      )}
      {drawn && studio.tool.value !== 'occlude' && (
        <ColourBar
          bar={drawn.bar}
          what={`In the map's own units, ${shown ? scoreWords(shown.explanation) : ''}; scaled to this map's largest value.`}
        />
      )}
    </section>
  )
}
