import type { Pixels } from './pixels.js'

/** A picture, stretched to its box. */
export interface SceneImage {
  readonly kind: 'image'
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly pixels: Pixels
}

/** A filled outline: one line of text. */
export interface ScenePath {
  readonly kind: 'path'
  /** SVG path data. */
  readonly d: string
  readonly fill: string
  /** The text that the outline draws. */
  readonly text: string
}

export interface SceneRect {
  readonly kind: 'rect'
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** A CSS colour, or `none`. */
  readonly fill: string
  /** A CSS colour. Default: no stroke. */
  readonly stroke?: string
  /** In output pixels, half of it on either side of the edge. Default: 1. */
  readonly strokeWidth?: number
}

/** Straight lines from point to point. */
export interface SceneLine {
  readonly kind: 'line'
  readonly points: readonly (readonly [x: number, y: number])[]
  /** A CSS colour. */
  readonly stroke: string
  /** In output pixels. */
  readonly strokeWidth: number
}

export type SceneItem = SceneImage | SceneLine | ScenePath | SceneRect

/**
 * A figure ready to be drawn, in output pixels. Image boxes are on whole pixels and overlap nothing but outlines, so a host
 * may draw the background, then all pictures, then everything else on top.
 */
export interface Scene {
  readonly width: number
  readonly height: number
  /** A CSS colour. */
  readonly background: string
  readonly items: readonly SceneItem[]
}
