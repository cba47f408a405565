export function LiveView() {
  return <p>to come</p>
}
