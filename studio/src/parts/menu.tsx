/** A button that opens a list below it. Closes on Escape, on a choice, and when the focus or a click goes elsewhere. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface MenuProps {
  /** What it is of, for screen readers: `Model`. */
  readonly label: string
  readonly title: string
  readonly note: string
  readonly children: ComponentChildren
}

export function Menu({ label, title, note, children }: MenuProps) {
  const details = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    const close = (event: Event): void => {
      const { current } = details
      if (!current?.open || (event.target instanceof Node && current.contains(event.target))) return
      current.open = false
    }
    addEventListener('pointerdown', close)
    addEventListener('focusin', close)
    return () => {
      removeEventListener('pointerdown', close)
      removeEventListener('focusin', close)
    }
  }, [])
  return (
    <details
      class="menu"
      ref={details}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !details.current?.open) return
        details.current.open = false
        details.current.querySelector('summary')?.focus()
        event.stopPropagation()
      }}
    >
      <summary>
        <span class="sr">{label}: </span>
        <span class="menu-title">{title}</span>
        <small class="menu-facts">{note}</small>
      </summary>
      <div class="menu-list">{children}</div>
    </details>
  )
}

export function MenuItem({ onPick, children }: { readonly onPick: () => void; readonly children: ComponentChildren }) {
  return (
    <button
      type="button"
      class="menu-item"
      onClick={(event) => {
        event.currentTarget.closest('details')?.removeAttribute('open')
        onPick()
      }}
    >
      {children}
    </button>
  )
}
