export function CompareView() {
  return <p>to come</p>
}
