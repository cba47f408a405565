export function PreprocessingPanel() {
  return null
}
