/** Tables as files: CSV, JSON, Parquet, or text, by the file's ending. */
import { extname } from 'node:path'
import type { ColumnSource } from 'hyparquet-writer'
import { ExplainError } from '../core/errors.js'
import { table } from './print.js'

/** Rows of one shape: words and numbers by column. */
export type TableRow = Readonly<Record<string, string | number | null>>

/** What writes them is loaded when it is needed: the command starts sooner. */
const WRITERS: Readonly<Record<string, (rows: readonly TableRow[]) => Promise<Uint8Array | string>>> = {
  '.csv': async (rows) => (await import('csv-stringify/sync')).stringify([...rows], { header: true }),
  '.json': async (rows) => `${JSON.stringify(rows, null, 1)}\n`,
  '.parquet': async (rows) => {
    const { parquetWriteBuffer } = await import('hyparquet-writer')
    return new Uint8Array(parquetWriteBuffer({ columnData: columnsOf(rows) }))
  },
  '.txt': async (rows) => textOf(rows),
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
export async function tableFile(path: string, rows: readonly TableRow[]): Promise<Uint8Array | string> {
  refuseTableFormat(path)
  return (await WRITERS[extname(path).toLowerCase()]?.(rows)) ?? ''
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
