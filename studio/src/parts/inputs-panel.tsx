export function InputsPanel() {
  return null
}
