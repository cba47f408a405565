/** What is done to a picture before the network sees it: all of it visible, most of it to be changed, and the outcome shown. */
import { FITS, type PreprocessOptions, type PreprocessSpec, type WebModel } from 'onnxplain/web'
import {
  channelNames,
  describeResize,
  type Field,
  fitOf,
  layoutReason,
  same,
  troubleOf,
} from '../state/preprocessing.js'
import { useDesk } from './context.js'
import { NumberField } from './number-field.js'
import { SeenByNetwork } from './seen-by-network.js'
import '../style/panels.css'

export function PreprocessingPanel() {
  const { studio } = useDesk()
  const model = studio.model.value
  const view = studio.view.value
  const own = model?.preprocessing
  const spec = view?.preprocessing
  if (!model || !view || !own || !spec) return null
  const changes = studio.preprocessing.value
  const changed = Object.values(changes).some((v) => v !== undefined)
  const trouble = troubleOf(model, changes)
  /** Changes that are the model's own are none. */
  const set = (change: PreprocessOptions): void => {
    studio.preprocessing.value = { ...studio.preprocessing.value, ...change }
  }
  return (
    <details class="panel fold preprocessing">
      <summary>
        <h2>Preprocessing</h2>
        {changed && <small class="fold-note">changed</small>}
      </summary>
      <p class="muted">From: {spec.source}.</p>
      {trouble && (
        <p class="field-bad" role="alert">
          {trouble} The model’s own is in use.
        </p>
      )}
      <Values model={model} spec={spec} set={set} />
      <Choices model={model} spec={spec} set={set} />
      <Facts model={model} spec={spec} />
      <button
        type="button"
        class="button"
        disabled={!changed}
        onClick={() => {
          studio.preprocessing.value = {}
        }}
      >
        Back to the model’s own
      </button>
      <SeenByNetwork />
    </details>
  )
}

interface PartProps {
  readonly model: WebModel
  readonly spec: PreprocessSpec
  readonly set: (change: PreprocessOptions) => void
}

const VALUES: readonly (readonly [Field, string, string])[] = [
  ['mean', 'Mean', 'what is taken off'],
  ['std', 'Std', 'what it is divided by'],
]

/** Mean and standard deviation of each channel. */
function Values({ model, spec, set }: PartProps) {
  const names = channelNames(spec)
  return (
    <table class="values">
      <thead>
        <tr>
          <td />
          {names.map((n) => (
            <th key={n} scope="col">
              {n}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {VALUES.map(([field, title, means]) => (
          <tr key={field}>
            <th scope="row" title={`${means}, in units of the pixel value times ${spec.rescale.toPrecision(3)}`}>
              {title}
            </th>
            {names.map((channel, i) => (
              <td key={channel}>
                <NumberField
                  label={`${title}, ${channel}`}
                  value={spec[field][i] ?? 0}
                  allowed={field === 'std' ? 'above 0' : 'any'}
                  onValue={(value) => {
                    const next = spec[field].map((v, at) => (at === i ? value : v))
                    set({ [field]: same(next, model.preprocessing?.[field]) ? undefined : next })
                  }}
                />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Fit, order of channels, and the size where the network takes any. */
function Choices({ model, spec, set }: PartProps) {
  const { studio } = useDesk()
  const own = model.preprocessing
  const { height, width } = model.input
  const free = height === undefined || width === undefined
  const now = spec.crop ?? spec.pad ?? (spec.resize.kind === 'exact' ? spec.resize : undefined)
  const wanted = studio.preprocessing.value.size
  const setSize = (change: { readonly height?: number; readonly width?: number }): void => {
    const { height: rows = 224, width: columns = 224 } = now ?? {}
    set({ size: { height: rows, width: columns, ...change } })
  }
  return (
    <>
      <label class="field">
        <span class="field-name">Fit</span>
        <select
          value={studio.preprocessing.value.fit ?? ''}
          onChange={(event) => {
            const { value } = event.currentTarget
            set({ fit: FITS.find((fit) => fit === value) })
          }}
        >
          <option value="">{own ? `the model’s own: ${fitOf(own)}` : 'the model’s own'}</option>
          <option value="crop">crop: the centre of the picture</option>
          <option value="stretch">stretch: all of it, squeezed</option>
          <option value="letterbox">letterbox: all of it, grey around it</option>
        </select>
      </label>
      {spec.channels !== 'L' && (
        <fieldset class="choice">
          <legend class="field-name">Order of channels</legend>
          {(['RGB', 'BGR'] as const).map((order) => (
            <label key={order}>
              <input
                type="radio"
                name="order"
                checked={spec.channels === order}
                onChange={() => set({ channels: order === own?.channels ? undefined : order })}
              />
              {order}
            </label>
          ))}
        </fieldset>
      )}
      {free && (
        <div class="options">
          {height === undefined && (
            <NumberField
              label="Height"
              unit="px"
              value={now?.height ?? 224}
              allowed="pixels"
              shownLabel
              onValue={(value) => setSize({ height: value })}
            />
          )}
          {width === undefined && (
            <NumberField
              label="Width"
              unit="px"
              value={now?.width ?? 224}
              allowed="pixels"
              shownLabel
              onValue={(value) => setSize({ width: value })}
            />
          )}
          {wanted === undefined && <p class="muted size-note">This network takes any size.</p>}
        </div>
      )}
    </>
  )
}

function Facts({ model, spec }: Omit<PartProps, 'set'>) {
  const { height, width } = model.input
  return (
    <dl class="pairs">
      {height !== undefined && width !== undefined && (
        <>
          <dt>size</dt>
          <dd>
            {width} × {height} px, fixed by the network
          </dd>
        </>
      )}
      <dt>scaled</dt>
      <dd>{describeResize(spec)}</dd>
      <dt>filter</dt>
      <dd>{spec.filter}</dd>
      <dt>pixels</dt>
      <dd>0 to 255, times {spec.rescale.toPrecision(3)}</dd>
      <dt>layout</dt>
      <dd>
        {spec.layout}: {layoutReason(model)}
      </dd>
    </dl>
  )
}
