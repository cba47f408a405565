/** Arrow keys go from button to button of a row. */
export function moveAlong(event: KeyboardEvent): void {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
  const row = event.currentTarget
  if (step === 0 || !(row instanceof HTMLElement)) return
  const buttons = [...row.querySelectorAll('button')]
  const next = buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}
