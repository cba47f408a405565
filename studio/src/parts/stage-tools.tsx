import type { Size } from 'onnxplain/web'

export function StageTools(_: { readonly size: Size }) {
  return null
}
