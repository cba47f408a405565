/** Several pictures: what goes on at the same time, in which order things come out, and what a failure ends. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eachPicture } from '../../src/cli/pictures.js'
import { ExplainError } from '../../src/core/errors.js'

const PICTURES = ['a', 'b', 'c', 'd', 'e']
const broken = (): ExplainError => new ExplainError('invalid-image', { what: 'This is not a picture' })
const said: string[] = []
const exitCode = process.exitCode

beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0)
})

afterEach(() => {
  vi.restoreAllMocks()
  said.length = 0
  process.exitCode = exitCode
})

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('eachPicture', () => {
  test('reads two ahead, never more; finishes in order, each while the next is in turn', async () => {
    const log: string[] = []
    await eachPicture(PICTURES, {
      read: async (picture) => {
        log.push(`read ${picture}`)
        return picture.toUpperCase()
      },
      work: async (read, picture) => {
        log.push(`work ${read}`)
        await tick()
        return async () => {
          log.push(`begin ${picture}`)
          await tick()
          await tick()
          log.push(`end ${picture}`)
        }
      },
    })
    const at = (entry: string): number => log.indexOf(entry)
    for (const [i, picture] of PICTURES.entries()) {
      const own = picture.toUpperCase()
      const later = PICTURES[i + 3]
      if (later) expect(at(`read ${later}`)).toBeGreaterThan(at(`work ${own}`))
      const soon = PICTURES[i + 2]
      if (soon) expect(at(`read ${soon}`)).toBeLessThan(at(`work ${own}`))
      const next = PICTURES[i + 1]
      if (next) {
        expect(at(`end ${picture}`)).toBeGreaterThan(at(`work ${next.toUpperCase()}`))
        expect(at(`end ${picture}`)).toBeLessThan(at(`begin ${next}`))
      }
    }
    expect(log).toHaveLength(4 * PICTURES.length)
  })

  test.each(['read', 'work', 'finish'])(
    'a picture that fails when it comes to %s is named, and the others are done',
    async (stage) => {
      const done: string[] = []
      const failing = (at: string, picture: string): void => {
        if (at === stage && picture === 'b') throw broken()
      }
      await eachPicture(PICTURES, {
        read: async (picture) => failing('read', picture),
        work: async (_, picture) => {
          failing('work', picture)
          return async () => {
            failing('finish', picture)
            done.push(picture)
          }
        },
      })
      expect(done).toEqual(['a', 'c', 'd', 'e'])
      expect(said).toEqual(['onnxplain: b: This is not a picture. [invalid-image]\n'])
      expect(process.exitCode).toBe(1)
    },
  )

  test('a single picture that fails, and what is wrong with the command, are thrown; what was begun is ended first', async () => {
    const read = async (): Promise<never> => Promise.reject(broken())
    await expect(eachPicture(['a'], { read, work: async () => undefined })).rejects.toThrow('This is not a picture')
    let ended = false
    const wrong = new ExplainError('bad-option', { what: 'No such class' })
    const work = async (_: unknown, picture: string) => {
      if (picture === 'b') throw wrong
      return async () => {
        await tick()
        await tick()
        ended = true
      }
    }
    await expect(eachPicture(PICTURES, { read: async (p) => p, work })).rejects.toBe(wrong)
    expect(ended).toBe(true)
  })
})
