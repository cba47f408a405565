/** What the model's other inputs are given, as people type it. */
import {
  ExplainError,
  type GivenInputs,
  givenTensor,
  type OtherInput,
  parseNumbers,
  type WebModel,
} from 'onnxplain/web'

/** What came of what was typed. */
export type Typed =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'good'; readonly value: GivenInputs[string] }
  | { readonly kind: 'bad'; readonly why: string }

/** Reads what was typed for an input, and whether it fits into it. */
export function readTyped(model: WebModel, input: OtherInput, text: string): Typed {
  if (text.trim() === '') return { kind: 'nothing' }
  try {
    const value = parseNumbers(text)
    // as the worker will read it, so that what is wrong is said here
    givenTensor(input, value, model.input)
    return { kind: 'good', value }
  } catch (error) {
    if (!(error instanceof ExplainError)) throw error
    return { kind: 'bad', why: `${error.what}. ${error.remedy ?? ''}` }
  }
}

/** `float32 [batch, 1, 16, 16]` */
export function describeInput({ type, dims }: Pick<OtherInput, 'type' | 'dims'>): string {
  return `${type} [${dims.map((d) => d ?? '?').join(', ')}]`
}
