/** The square of occluding by hand: its size and fill, which are those of the sweep, and the sweep itself. */
import { batch } from '@preact/signals'
import { useDesk } from './context.js'

const FILLS: readonly { readonly id: string; readonly title: string }[] = [
  { id: 'mean', title: 'mean colour' },
  { id: 'grey', title: 'grey' },
  { id: 'black', title: 'black' },
  { id: 'white', title: 'white' },
]

export function OccludeBar() {
  const { studio, occluding } = useDesk()
  const options = occluding.options.value
  if (!options) return null
  const { patch, fill, smallest } = options
  const most = occluding.most.value ?? patch
  const sweep = (): void => {
    batch(() => {
      const { stride } = studio.options.value
      // a step wider than the square would leave gaps
      if (Number(stride ?? patch) > patch || patch < USUAL_STEP)
        studio.options.value = { ...studio.options.value, stride: Math.max(1, Math.floor(patch / 2)) }
      studio.method.value = 'occlusion'
      studio.tool.value = 'look'
    })
  }
  const fills = FILLS.some((f) => f.id === fill) ? FILLS : [...FILLS, { id: fill, title: fill }]
  return (
    <div class="stage-bar-tool">
      <label class="occlude-size">
        <span>Square</span>
        <input
          type="range"
          min={smallest}
          max={most}
          value={patch}
          aria-valuetext={`${patch} of ${most} pixels of the model's input`}
          onInput={(event) => occluding.resize(event.currentTarget.valueAsNumber)}
        />
        <output title="pixels of the model's input">{patch} px</output>
      </label>
      <label class="occlude-fill">
        <span class="sr">Fill of the square</span>
        <select
          value={fill}
          onChange={(event) => {
            studio.options.value = { ...studio.options.value, fill: event.currentTarget.value }
          }}
        >
          {fills.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="button" onClick={sweep} title="Occlusion sensitivity: the square goes everywhere">
        Sweep the whole picture
      </button>
      <button type="button" class="button" onClick={() => occluding.forget()} title="Forget where the square has been">
        Forget the trail
      </button>
    </div>
  )
}

/** The stride of the method where none is given. */
const USUAL_STEP = 16
