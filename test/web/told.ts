/** What the functions of test/web/page take and give: plain data. */
import type { LoadProgress } from '../../src/web/protocol.js'

export interface Failure {
  readonly error: { readonly code: string; readonly message: string }
}

/** Size, and the colours of a few pixels. */
export interface Look {
  readonly width: number
  readonly height: number
  readonly pixels: readonly (readonly number[])[]
}

export type PictureKind =
  | 'address'
  | 'url'
  | 'blob'
  | 'file'
  | 'bitmap'
  | 'canvas'
  | 'offscreen canvas'
  | 'video frame'
  | 'image data'
  | 'element'
  | 'picture'
  | 'element that is not loaded'
  | 'video without a frame'
  | 'canvas of nothing'
  | 'canvas that is huge'

/** Where a model comes from: an address as it is, or as bytes; or files with their paths, fetched from addresses or made of text. */
export type Source =
  | { readonly kind: 'address' | 'url' | 'bytes' | 'buffer' | 'blob'; readonly url: string }
  | { readonly kind: 'shipped' }
  | { readonly kind: 'file'; readonly url: string; readonly name: string }
  | { readonly kind: 'files'; readonly files: Readonly<Record<string, { readonly url: string } | string>> }

export interface OpenedModel {
  readonly name: string
  readonly labels: readonly string[]
  readonly mean: readonly number[] | undefined
  readonly notes: readonly string[]
  readonly warned: readonly string[]
  readonly best: { readonly label: string; readonly logit: number } | undefined
  readonly progress: readonly LoadProgress[]
}

/** What work in a worker comes to. */
export interface Worked {
  readonly progressOf: {
    readonly told: readonly {
      readonly done: number
      readonly total: number
      readonly size: readonly number[]
      readonly sum: number
    }[]
    readonly dims: readonly number[]
  }
  readonly abortOf: {
    readonly failed: string
    readonly rejected: number
    readonly answered: number
    readonly same: boolean
    readonly map: readonly number[]
  }
  readonly abortedOpening: {
    readonly early: string
    readonly late: string
    readonly waited: number
    readonly next: string
  }
  readonly disposal: { readonly codes: Readonly<Record<string, string>>; readonly best: string | undefined }
  readonly sideBySide: {
    readonly answers: readonly (string | undefined)[]
    readonly renamed: string | undefined
    readonly notes: readonly string[]
    readonly still: string | undefined
  }
  readonly figures: {
    readonly files: readonly { readonly type: string; readonly start: string; readonly width: number }[]
    readonly bad: string
  }
  readonly choice:
    | {
        readonly runtime: string
        readonly threads: number
        readonly dims: readonly number[]
        readonly notes: readonly string[]
        readonly told: string
        readonly sha256: string | null
      }
    | Failure
}
