/** What a model takes beside the picture, one field for each; or, where it takes no pictures, what it takes instead. */
import { useSignal } from '@preact/signals'
import type { OtherInput, WebModel } from 'onnxplain/web'
import { describeInput, readTyped } from '../state/other-inputs.js'
import { useDesk } from './context.js'
import '../style/panels.css'

export function InputsPanel() {
  const { studio } = useDesk()
  const model = studio.model.value
  if (!model) return null
  if (!model.preprocessing) return <NoPhotos model={model} />
  const texts = new Set([...model.texts.question, ...model.texts.caption])
  // words are typed as words
  const others = model.others.filter((o) => !texts.has(o.name))
  if (others.length === 0) return null
  const missing = others.filter((o) => studio.missing.value.includes(o.name))
  return (
    <section class="panel">
      <h2>Inputs beside the picture</h2>
      {others.map((input) => (
        // the fields of another model are other fields
        <InputField key={`${model.name} ${input.name}`} model={model} input={input} />
      ))}
      <p class="muted" role="status">
        {missing.length > 0
          ? `Nothing is computed until ${missing.map((o) => o.name).join(' and ')} ${missing.length === 1 ? 'has a value' : 'have values'}: none is assumed.`
          : `The picture goes to ${model.input.name}.`}
      </p>
    </section>
  )
}

interface InputFieldProps {
  readonly model: WebModel
  readonly input: OtherInput
}

function InputField({ model, input }: InputFieldProps) {
  const { studio } = useDesk()
  const bad = useSignal('')
  const id = `input-${input.name}`
  const given = studio.inputs.value[input.name]
  const read = (text: string): void => {
    const typed = readTyped(model, input, text)
    bad.value = typed.kind === 'bad' ? typed.why : ''
    if (typed.kind === 'bad') return
    const { [input.name]: _, ...rest } = studio.inputs.value
    if (typed.kind === 'good') studio.inputs.value = { ...rest, [input.name]: typed.value }
    else if (given !== undefined) studio.inputs.value = rest
  }
  return (
    <div class="field">
      <label class="field-name" for={id}>
        <span>{input.name}</span> <span>{describeInput(input)}</span>
      </label>
      <textarea
        id={id}
        class="typed"
        rows={1}
        spellcheck={false}
        placeholder="3 or 1, 2, 3 or [[1, 0], [0, 1]]"
        defaultValue={given === undefined ? '' : JSON.stringify(given)}
        aria-invalid={bad.value !== ''}
        aria-describedby={bad.value === '' ? undefined : `${id}-bad`}
        onChange={(event) => read(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey) return
          event.preventDefault()
          read(event.currentTarget.value)
        }}
      />
      {bad.value !== '' && (
        <p class="field-bad" id={`${id}-bad`} role="alert">
          {bad.value} {given === undefined ? '' : 'The value before is still in use.'}
        </p>
      )}
    </div>
  )
}

function NoPhotos({ model }: { readonly model: WebModel }) {
  const { name, layout, channels } = model.input
  const picture = model.inspect().inputs.find((i) => i.picture)
  const axes = picture?.dims?.map((d) => d ?? '?').join(', ') ?? [...layout].join(', ')
  return (
    <section class="panel">
      <h2>This model takes no photos</h2>
      <p>
        Its input {name} is {picture?.type ?? 'float32'} [{axes}]: {KINDS[kindOf(layout)]} of {channels} channel
        {channels === 1 ? '' : 's'}, axes {layout}.
      </p>
      <p class="muted">
        The studio shows pictures only. The command explains it: <code>onnxplain --tensor array.npy -m model.onnx</code>
      </p>
    </section>
  )
}

const KINDS = {
  volume: 'a volume or a clip',
  signal: 'a signal',
  picture: 'an array',
} as const

function kindOf(layout: string): keyof typeof KINDS {
  return layout.includes('D') ? 'volume' : layout.includes('H') ? 'picture' : 'signal'
}
