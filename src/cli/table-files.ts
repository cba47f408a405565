/** Tables as files: CSV, JSON, Parquet, or text, by the file's ending. */
import { extname } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer'
import { ExplainError } from '../core/errors.js'
import { table } from './print.js'

/** Rows of one shape: words and numbers by column. */
export type TableRow = Readonly<Record<string, string | number | null>>

const WRITERS: Readonly<Record<string, (rows: readonly TableRow[]) => Uint8Array | string>> = {
  '.csv': (rows) => stringify([...rows], { header: true }),
  '.json': (rows) => `${JSON.stringify(rows, null, 1)}\n`,
  '.parquet': (rows) => new Uint8Array(parquetWriteBuffer({ columnData: columnsOf(rows) })),
  '.txt': (rows) => textOf(rows),
}

/** Throws `bad-option` for an ending that no table is written in. */
export function refuseTableFormat(path: string): void {
  const ending = extname(path).toLowerCase()
  if (Object.hasOwn(WRITERS, ending)) return
  throw new ExplainError('bad-option', {
    what: `"${path}" ends in ${ending === '' ? 'nothing' : `"${ending}"`}`,
    remedy: `Tables are written as ${Object.keys(WRITERS).join(', ')}.`,
  })
}

/** A table's file contents. */
export function tableFile(path: string, rows: readonly TableRow[]): Uint8Array | string {
  refuseTableFormat(path)
  return WRITERS[extname(path).toLowerCase()]?.(rows) ?? ''
}

function columnsOf(rows: readonly TableRow[]): ColumnSource[] {
  return Object.keys(rows[0] ?? {}).map((name) => {
    const data = rows.map((row) => row[name] ?? null)
    const isNumber = data.every((v) => v === null || typeof v === 'number')
    const type = isNumber
      ? data.every((v) => v === null || Number.isInteger(v)) && name === 'pictures'
        ? 'INT32'
        : 'DOUBLE'
      : 'STRING'
    return { name, data, type, nullable: true }
  })
}

/** Aligned columns, numbers to the right. */
export function textOf(rows: readonly TableRow[]): string {
  const names = Object.keys(rows[0] ?? {})
  const shown = (v: string | number | null | undefined): string =>
    typeof v === 'number' ? (Number.isInteger(v) ? String(v) : v.toFixed(4)) : (v ?? '')
  const right = names.flatMap((name, i) => (rows.some((row) => typeof row[name] === 'number') ? [i] : []))
  return table([names.map((n) => n.toUpperCase()), ...rows.map((row) => names.map((n) => shown(row[n])))], right)
}
