/** `112 × 112`; `?` for an axis that is free. */
export function gridText(grid: readonly (number | string | null | undefined)[]): string {
  return grid.map((d) => (typeof d === 'number' ? String(d) : '?')).join(' × ')
}
