/** A number that is typed: what is no number is kept in the field, with words that say why it is not used. */
import { useSignal } from '@preact/signals'

const LARGEST_SIDE = 4096

const RULES = {
  any: { fits: Number.isFinite, words: 'is no number' },
  'above 0': { fits: (v: number) => Number.isFinite(v) && v > 0, words: 'is no number above 0' },
  pixels: {
    fits: (v: number) => Number.isInteger(v) && v >= 1 && v <= LARGEST_SIDE,
    words: `is no whole number of pixels from 1 to ${LARGEST_SIDE}`,
  },
} as const

interface NumberFieldProps {
  readonly label: string
  readonly value: number
  readonly allowed: keyof typeof RULES
  readonly unit?: string
  /** Writes the label above the field; it is for screen readers alone otherwise. */
  readonly shownLabel?: boolean
  readonly onValue: (value: number) => void
}

export function NumberField({ label, value, allowed, unit, shownLabel = false, onValue }: NumberFieldProps) {
  // by the label, which is there once: preact's useId gives fields that come later the same names again
  const id = `number-${label.replaceAll(/\W+/g, '-').toLowerCase()}`
  const refused = useSignal<string | undefined>(undefined)
  const bad = refused.value
  const read = (text: string): void => {
    // as many write it: 0,485
    const number = text.trim() === '' ? Number.NaN : Number(text.trim().replace(',', '.'))
    const { fits } = RULES[allowed]
    refused.value = fits(number) ? undefined : text
    if (fits(number)) onValue(number)
  }
  return (
    <div class="field">
      <label class={shownLabel ? 'field-name' : 'sr'} for={id}>
        {label}
      </label>
      <span class="with-unit">
        <input
          id={id}
          class="number"
          type="text"
          inputMode="decimal"
          value={bad ?? Number(value.toPrecision(4))}
          title={String(value)}
          aria-invalid={bad !== undefined}
          aria-describedby={bad === undefined ? undefined : `${id}-bad`}
          onChange={(event) => read(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') read(event.currentTarget.value)
            if (event.key === 'Escape') refused.value = undefined
          }}
        />
        {unit}
      </span>
      {bad !== undefined && (
        <p class="field-bad" id={`${id}-bad`} role="alert">
          {bad.trim() === '' ? 'An empty field' : `“${bad}”`} {RULES[allowed].words}; {Number(value.toPrecision(4))}{' '}
          stays.
        </p>
      )}
    </div>
  )
}
