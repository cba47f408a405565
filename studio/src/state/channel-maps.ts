/** The channels that weigh most in the class that is shown, at the layer that is shown. */
import { formatNumber, type LayerChannel, type LayerChannels, type MethodInfo, type WebModel } from 'onnxplain/web'
import { DETECTION } from './detecting.js'
import type { Given, PartialExplanation, Studio, Subject } from './studio.js'
import { givenTarget, type Wanted } from './wanted.js'
import { WhenIdle } from './when-idle.js'

const TOP = 8

export interface ChannelQuestion {
  readonly view: WebModel
  readonly subject: Subject
  /** undefined: the model's default. */
  readonly layer: string | undefined
  readonly target: Wanted
  readonly given: Given
}

export type ChannelMaps = WhenIdle<ChannelQuestion, LayerChannels>

/** @param isOpen whether they are looked at: a layer's channels cost a run of their own */
export function channelMaps(studio: Studio, isOpen: () => boolean): ChannelMaps {
  return new WhenIdle(studio, {
    title: 'The channels of this layer could not be found',
    question: () => {
      const view = studio.view.value
      const shown = studio.shown.value
      const layer = studio.layer.value
      const given = studio.given.value
      if (!isOpen() || !view || !shown || shown.partial || shown.subject !== studio.subject.value) return undefined
      return { view, subject: shown.subject, layer, target: shown.wanted, given }
    },
    ask: ({ view, subject, layer, target, given }, signal) =>
      view.channels(subject.picture, {
        ...given,
        detection: DETECTION,
        layer,
        target: givenTarget(target),
        top: TOP,
        signal,
      }),
  })
}

/**
 * What channels add to the map, in words: parts of the whole in % where the whole is a sum that they are parts of, else the numbers. Shares of both
 * signs cancel out, so that one channel can be more than all together.
 */
export function sharesInWords({ total, channels }: LayerChannels): {
  readonly inPercent: boolean
  readonly words: string
} {
  const inPercent = total > 0 && channels.every((c) => Math.abs(c.share) <= total)
  return {
    inPercent,
    words: inPercent
      ? 'what each adds to the mean of the Grad-CAM map, in % of all channels; below 0 it speaks against the class.'
      : 'what each adds to the mean of the Grad-CAM map. Channels for and against the class nearly cancel out, so that % would mislead.',
  }
}

/** A channel's activation as a map that is drawn like others: around zero where it has both signs. */
export function channelMap(set: LayerChannels, channel: LayerChannel, method: MethodInfo): PartialExplanation {
  const { layer, target, answer, input, fed, drawable, provenance, data } = set
  const signed = channel.raw.data.some((v) => v < 0)
  const { raw, ...maps } = channel
  return {
    ...maps,
    method: { ...method, title: `Channel ${channel.index}`, display: signed ? 'signed' : 'positive' },
    raw: { ...raw, layer },
    target,
    answer,
    input,
    fed,
    drawable,
    provenance,
    diagnosis: [],
    data: {
      map: raw,
      lifting: data.lifting,
      method,
      raw: { ...raw, layer },
      target,
      answer,
      input,
      fed,
      drawable,
      provenance,
      diagnosis: [],
    },
  }
}

export function shareText(set: LayerChannels, { share }: LayerChannel): string {
  if (!sharesInWords(set).inPercent) return signedText(share)
  const percent = (100 * share) / set.total
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`
}

export function signedText(value: number): string {
  return `${value > 0 ? '+' : ''}${formatNumber(value)}`
}
