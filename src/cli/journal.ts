/** What a long comparison has measured so far, a line of JSON for each picture: kept in a file, so that it goes on where it was stopped. */
import { appendFile, writeFile } from 'node:fs/promises'
import { ExplainError } from '../core/errors.js'
import type { ComparedRow } from '../metrics/index.js'
import { readIfThere } from '../node/files.js'

/** What all rows of a journal have in common: rows of other settings are not pooled with them. */
export type JournalSettings = Readonly<Record<string, unknown>>

export interface Journal {
  /** Rows by picture. */
  readonly done: ReadonlyMap<string, readonly ComparedRow[]>
  add(picture: string, rows: readonly ComparedRow[]): Promise<void>
}

/** Opens a journal, or begins one. Throws `bad-option` where it is of other settings, or no journal. */
export async function openJournal(path: string, settings: JournalSettings): Promise<Journal> {
  const head = JSON.stringify({ onnxplain: 'comparison', ...settings })
  const bytes = await readIfThere(path, 'The journal')
  const text = bytes ? new TextDecoder().decode(bytes) : ''
  // a line that was cut off when the work was stopped is measured again
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const [first, ...lines] = whole.split('\n').filter((line) => line !== '')
  if (text !== '' && first !== head)
    throw new ExplainError('bad-option', {
      what: `"${path}" holds a comparison with other settings, or something else`,
      where: '--journal',
      remedy: 'Give the settings that it was begun with, or a file that is not there yet.',
    })
  if (whole !== text) await writeFile(path, whole)
  const done = new Map<string, readonly ComparedRow[]>()
  for (const line of lines) {
    const { picture, rows } = JSON.parse(line) as { picture: string; rows: readonly ComparedRow[] }
    done.set(picture, rows)
  }
  let begun = first !== undefined
  return {
    done,
    async add(picture, rows) {
      const lead = begun ? '' : `${head}\n`
      begun = true
      await appendFile(path, `${lead}${JSON.stringify({ picture, rows })}\n`)
    },
  }
}
