import type { SizedMaps } from './explanation.js'
export interface ChannelsOptions {
  readonly signal?: AbortSignal | undefined
  readonly layer?: string
  readonly target?: string | number
  readonly top?: number
}
export interface LayerChannelsData {
  readonly layer: string
}
export interface LayerChannels {
  readonly data: LayerChannelsData
  readonly maps: readonly SizedMaps[]
}
export function layerChannelsOf(data: LayerChannelsData): LayerChannels {
  return { data, maps: [] }
}
