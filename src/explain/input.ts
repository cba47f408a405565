/** The inputs of a model: the one that takes the picture, and the others. */
import { ExplainError } from '../core/errors.js'
import type { InputLayout } from '../core/layout.js'
import { didYouMean } from '../core/nearest.js'
import type { Dim, ValueInfo } from '../core/runtime.js'
import type { Graph } from '../onnx/ir.js'
import { printDims, type Shapes } from '../onnx/shapes.js'
import { type ChannelAxis, channelAxis } from './channels.js'

export interface PictureInput {
  readonly name: string
  /** `NCHW` and `NHWC` for pictures; with `D` for volumes (slices) and clips (frames); `NCW` and `NWC` for signals. */
  readonly layout: InputLayout
  /** The batch axis where it is fixed; undefined where it is free. */
  readonly batch: number | undefined
  /** 1 or 3 for what a photo can be given to; any number for tensors. */
  readonly channels: number
  /** Slices or frames; undefined where the axis is free, 1 where there is none. */
  readonly depth: number | undefined
  /** In pixels; undefined where the axis is free. Signals: 1. */
  readonly height: number | undefined
  /** In pixels, or samples of a signal; undefined where the axis is free. */
  readonly width: number | undefined
}

/** True where a photo can be made into the input: one slice of 1 or 3 channels. */
export function takesPhotos({ layout, channels }: PictureInput): boolean {
  return (layout === 'NCHW' || layout === 'NHWC') && (channels === 1 || channels === 3)
}

/**
 * Finds the input of the picture among the float32 inputs: the wanted one, or the only one of four axes with three channels (first or
 * last), else the only one of four or five axes, else the only one of three. Throws `no-image-input`, naming the candidates where there
 * are several.
 */
export function findPictureInput(graph: Graph, shapes: Shapes, wanted?: string): PictureInput {
  const inputs = graph.inputs.map(
    (i): ValueInfo => shapes.get(i.name) ?? { name: i.name, type: undefined, dims: undefined },
  )
  if (wanted !== undefined) return namedInput(graph, shapes, inputs, wanted)
  const pictures = inputs.flatMap((i) => pictureInput(graph, shapes, i) ?? [])
  const only = (keep: (p: PictureInput) => boolean): PictureInput | undefined => {
    const kept = pictures.filter(keep)
    return kept.length === 1 ? kept[0] : undefined
  }
  const axes = (p: PictureInput): number => p.layout.length
  const large = pictures.some((p) => axes(p) > 3)
  const found =
    only((p) => axes(p) === 4 && p.channels === 3) ?? only((p) => axes(p) > 3) ?? (large ? undefined : only(() => true))
  if (found) return found
  throw pictures.length > 1 ? ambiguous(inputs, pictures) : noPicture(graph, shapes, inputs)
}

function ambiguous(inputs: readonly ValueInfo[], pictures: readonly PictureInput[]): ExplainError {
  const candidates = inputs.filter((i) => pictures.some((p) => p.name === i.name))
  return new ExplainError('no-image-input', {
    what: `Several inputs of this model could take the picture: ${printInputs(candidates)}`,
    remedy: 'Say which: --picture-input NAME (pictureInput in the library).',
    details: { inputs, candidates: candidates.map((c) => c.name) },
  })
}

function noPicture(graph: Graph, shapes: Shapes, inputs: readonly ValueInfo[]): ExplainError {
  const bare = inputs.find(({ name, dims }) => dims && channelAxis(graph, shapes, name, dims.length)?.batched === false)
  return new ExplainError('no-image-input', {
    what: bare
      ? `The input ${printInputs([bare])} has no batch axis`
      : `This model takes no picture: its inputs are ${printInputs(inputs) || 'none'}`,
    remedy: bare
      ? `Export the model with a batch axis in front: [1, ${bare.dims?.map((d) => d ?? '?').join(', ')}].`
      : 'onnxplain needs a float32 input [N, channels, height, width] or [N, height, width, channels], or one of a volume, a clip or a signal.',
    details: { inputs },
  })
}

function namedInput(graph: Graph, shapes: Shapes, inputs: readonly ValueInfo[], wanted: string): PictureInput {
  const input = inputs.find((i) => i.name === wanted)
  const found = input && pictureInput(graph, shapes, input)
  if (found) return found
  throw new ExplainError('no-image-input', {
    what: input
      ? `The input ${printInputs([input])} is no picture`
      : `There is no input "${wanted}" in this model: its inputs are ${printInputs(inputs)}`,
    where: 'picture input',
    remedy: input
      ? 'A picture is float32 with three to five axes, of which the first is the batch, and a known number of channels.'
      : didYouMean(
          wanted,
          inputs.map((i) => i.name),
        ),
    details: { inputs },
  })
}

/** `image float32[N, 3, 224, 224], size float32[2]` */
export function printInputs(inputs: readonly ValueInfo[]): string {
  return inputs.map((i) => `${i.name} ${i.type ?? '?'}${printDims(i.dims)}`).join(', ')
}

/** What an input's axes mean, where it may be a picture. */
export function pictureInput(graph: Graph, shapes: Shapes, input: ValueInfo): PictureInput | undefined {
  const { name, dims, type } = input
  if (type !== 'float32' || !dims || dims.length < 3 || dims.length > 5) return undefined
  const read = channelAxis(graph, shapes, name, dims.length)
  if (read && !read.batched) return undefined
  const axis = channelsOf(dims, read)
  const layout = axis && LAYOUTS[dims.length]?.[axis.axis]
  const channels = axis?.extent
  if (!layout || channels === undefined) return undefined
  const known = (letter: 'N' | 'D' | 'H' | 'W'): number | undefined => {
    const at = layout.indexOf(letter)
    if (at < 0) return 1
    const dim = dims[at]
    return typeof dim === 'number' ? dim : undefined
  }
  return { name, layout, batch: known('N'), channels, depth: known('D'), height: known('H'), width: known('W') }
}

/** Layouts by the number of axes and the axis of the channels. */
const LAYOUTS: Readonly<Record<number, Readonly<Record<number, InputLayout>>>> = {
  3: { 1: 'NCW', 2: 'NWC' },
  4: { 1: 'NCHW', 3: 'NHWC' },
  5: { 1: 'NCDHW', 2: 'NDCHW', 4: 'NDHWC' },
}

/**
 * The axis of the channels: the only one of 1 or 3 entries among those that it can be; else the one that the first convolution reads as
 * channels; else the second.
 */
function channelsOf(dims: readonly Dim[], read: ChannelAxis | undefined): { axis: number; extent: number } | undefined {
  const possible = Object.keys(LAYOUTS[dims.length] ?? {}).map(Number)
  const usual = possible.filter((a) => dims[a] === 1 || dims[a] === 3)
  const [first] = usual
  const axis =
    usual.length === 1 && first !== undefined ? first : read && possible.includes(read.axis) ? read.axis : (first ?? 1)
  const dim = dims[axis]
  const extent = typeof dim === 'number' ? dim : read?.axis === axis ? read.channels : undefined
  return extent === undefined ? undefined : { axis, extent }
}
