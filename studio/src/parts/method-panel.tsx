/** Which method, at which layer, with which options. */
import type { MethodInfo, MethodOption } from 'onnxplain/web'
import { useDesk } from './context.js'

export function MethodPanel() {
  const { studio } = useDesk()
  const method = studio.methodInfo.value
  return (
    <section class="panel">
      <label class="field">
        <span class="field-name">Method</span>
        <select
          value={studio.method.value}
          onChange={(event) => {
            studio.method.value = event.currentTarget.value
          }}
        >
          {groups(studio.methods.value).map(({ family, methods }) => (
            <optgroup key={family} label={family}>
              {methods.map((m) => (
                <option key={m.id} value={m.id}>
                  {m.title}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      {method && <p class="muted">{method.summary}</p>}
      {method?.atLayer && <LayerField />}
      {method && <Options method={method} />}
    </section>
  )
}

const FAMILIES: Readonly<Record<MethodInfo['family'], string>> = {
  cam: 'Class activation maps',
  attention: 'Attention of transformers',
  gradient: 'Gradients at the pixels',
  propagation: 'Relevance',
  perturbation: 'Perturbation',
}

function groups(methods: readonly MethodInfo[]): readonly { family: string; methods: readonly MethodInfo[] }[] {
  return Object.entries(FAMILIES).map(([id, family]) => ({ family, methods: methods.filter((m) => m.family === id) }))
}

function LayerField() {
  const { studio } = useDesk()
  const layers = studio.model.value?.inspect().layers ?? []
  const chosen = layers.find((l) => l.default)?.name
  return (
    <label class="field">
      <span class="field-name">Layer</span>
      <select
        value={studio.layer.value ?? chosen ?? ''}
        onChange={(event) => {
          const { value } = event.currentTarget
          studio.layer.value = value === chosen || value === '' ? undefined : value
        }}
      >
        {chosen === undefined && <option value="">where it was read from</option>}
        {layers.map((l) => (
          <option key={l.name} value={l.name}>
            {l.name} · {l.grid.map((d) => d ?? '?').join(' × ')}
            {l.default ? ' (default)' : ''}
          </option>
        ))}
      </select>
    </label>
  )
}

interface OptionsProps {
  readonly method: MethodInfo
}

function Options({ method }: OptionsProps) {
  const { studio } = useDesk()
  const isDeep = studio.model.value?.input.layout.includes('D') ?? false
  const names = Object.keys(method.options).filter((name) => name !== 'slices' || isDeep)
  return (
    <div class="options">
      {names.map((name) => {
        const option = method.options[name]
        return option && <OptionField key={name} name={name} option={option} />
      })}
    </div>
  )
}

interface OptionFieldProps {
  readonly name: string
  readonly option: MethodOption
}

function OptionField({ name, option }: OptionFieldProps) {
  const { studio } = useDesk()
  const id = `option-${name}`
  const value = studio.options.value[name] ?? option.default
  const set = (next: number | string): void => {
    studio.options.value = { ...studio.options.value, [name]: next }
  }
  return (
    <div class="field" title={option.description}>
      <label class="field-name" for={id}>
        {name}
      </label>
      {option.kind === 'choice' ? (
        <select id={id} value={String(value)} onChange={(event) => set(event.currentTarget.value)}>
          {option.choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : option.kind === 'switch' ? (
        <input
          id={id}
          type="checkbox"
          checked={value === 1}
          onChange={(event) => set(event.currentTarget.checked ? 1 : 0)}
        />
      ) : option.kind === 'integer' || option.kind === 'number' ? (
        <span class="with-unit">
          <input
            id={id}
            type="number"
            min={option.minimum}
            max={option.kind === 'number' ? option.maximum : undefined}
            step={option.kind === 'integer' ? 1 : 'any'}
            value={value}
            onChange={(event) => {
              const next = event.currentTarget.valueAsNumber
              const fits = option.kind === 'integer' ? Number.isInteger(next) : next <= option.maximum
              if (fits && next >= option.minimum) set(next)
              else event.currentTarget.value = String(value)
            }}
          />
          {option.unit}
        </span>
      ) : (
        <input
          id={id}
          type="text"
          value={value}
          onChange={(event) => set(event.currentTarget.value.trim() || option.default)}
        />
      )}
    </div>
  )
}
