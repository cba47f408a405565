export function LayerStrip() {
  return <section class="layers" aria-label="Layers" />
}
