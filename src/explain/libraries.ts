/** What other libraries draw as "Grad-CAM" and its kin: which layer they take, and what they do to the raw map. */
import { ExplainError } from '../core/errors.js'
import { didYouMean } from '../core/nearest.js'
import { float32 } from '../core/tensor.js'
import { resizePlane } from '../image/index.js'
import { linearResize, type Sampling } from '../methods/linear.js'
import type { Explanation } from './explanation.js'
import { type Fusion, fuseLayers } from './fuse.js'
import type { Inspection } from './inspect.js'
import { inputPlaces, scaledTo1, withMap } from './on-input.js'

interface Plane {
  readonly data: Float32Array
  readonly height: number
  readonly width: number
}

/** A step from the raw map on; `to` is the model's input. */
type Step = (plane: Plane, to: Omit<Plane, 'data'>) => Plane

export interface Library {
  readonly id: string
  /** With the version that was read. */
  readonly title: string
  /** What is done, for people. */
  readonly summary: string
  /** The layer that is taken where none is named: our own default, or the last convolution's own output. */
  readonly layer: 'feature map' | 'last Conv'
  /** Methods that are another one there. */
  readonly methods?: Readonly<Record<string, string>>
  /** How several layers become one map; undefined: each has its own. */
  readonly fusion?: Fusion
  readonly steps: readonly Step[]
}

const each = (of: (data: Float32Array) => Float32Array): Step => {
  return (plane) => ({ ...plane, data: of(plane.data) })
}
const relu = each((data) => data.map((v) => Math.max(0, v)))
const minMax = (epsilon: number): Step => each((data) => scaledTo1(data, epsilon))
const overMax = each((data) => {
  const high = data.reduce((a, v) => Math.max(a, v), 0)
  return high > 0 ? data.map((v) => v / high) : data
})
const linear =
  (sampling?: Sampling): Step =>
  ({ data, width, height }, to) => ({
    ...to,
    data: linearResize([height, width], [to.height, to.width], sampling)(data),
  })
/** As OpenCV and PyTorch have it: half-pixel centres, borders held. */
const bilinear = linear()
/** As scikit-image has it: borders mirrored about the outermost centres. */
const mirroredBilinear = linear({ at: 'centres', beyond: 'mirrored' })
/** Corners of pixels instead of their centres: TensorFlow's `resizeBilinear` of old. */
const cornerBilinear = linear({ at: 'corners', beyond: 'held' })
/** Keys' cubic of -0.5, with half-pixel centres: TensorFlow's `bicubic`. */
const bicubic: Step = ({ data, width, height }, to) => ({
  ...to,
  data: resizePlane(data, width, height, to.width, to.height, 'bicubic'),
})

export const LIBRARIES: readonly Library[] = [
  {
    id: 'pytorch-grad-cam',
    title: 'pytorch-grad-cam 1.5',
    summary:
      'positive part, scaled to 0..1, resized bilinearly to the input, scaled again; several layers by their mean',
    layer: 'feature map',
    fusion: 'mean',
    steps: [relu, minMax(1e-7), bilinear, minMax(1e-7)],
  },
  {
    id: 'captum',
    title: 'Captum 0.9 (LayerGradCam)',
    summary: "the raw signed map at the layer's resolution",
    layer: 'feature map',
    steps: [],
  },
  {
    id: 'torch-cam',
    title: 'torch-cam 0.5',
    summary: "positive part, scaled to 0..1, at the layer's resolution",
    layer: 'feature map',
    steps: [relu, minMax(1e-8)],
  },
  {
    id: 'xplique',
    title: 'Xplique 2',
    summary: 'positive part, resized bicubically to the input, not scaled',
    layer: 'last Conv',
    steps: [relu, bicubic],
  },
  {
    id: 'tf-explain',
    title: 'tf-explain 0.3',
    summary: 'weights of guided gradients; signed, resized bilinearly to the input, scaled to 0..1',
    layer: 'feature map',
    methods: { 'grad-cam': 'guided-weights-grad-cam' },
    steps: [bilinear, minMax(1e-7)],
  },
  {
    id: 'saliency',
    title: 'PAIR saliency 0.2',
    summary: 'positive part, divided by its largest value, resized bilinearly to the input with mirrored borders',
    layer: 'last Conv',
    steps: [relu, overMax, mirroredBilinear],
  },
  {
    id: 'tfjs-examples',
    title: 'visualize-convnet of tfjs-examples',
    summary: "positive part, divided by its largest value, resized bilinearly from the pixels' corners",
    layer: 'last Conv',
    steps: [relu, overMax, cornerBilinear],
  },
  {
    id: 'torchray',
    title: 'TorchRay 1.0',
    summary: "positive part, at the layer's resolution",
    layer: 'feature map',
    steps: [relu],
  },
]

/** Throws `bad-option`. */
export function findLibrary(id: string): Library {
  const found = LIBRARIES.find((l) => l.id === id)
  if (found) return found
  const ids = LIBRARIES.map((l) => l.id)
  throw new ExplainError('bad-option', {
    what: `There is no preset "${id}"`,
    where: 'like',
    remedy: didYouMean(id, ids) || `Presets are: ${ids.join(', ')}.`,
    details: { presets: ids },
  })
}

/** The layer that the library takes where none is named; undefined: the default one. */
export function layerLike({ layer }: Library, inspect: () => Pick<Inspection, 'layers'>): string | undefined {
  return layer === 'last Conv' ? inspect().layers.findLast((l) => l.op === 'Conv')?.name : undefined
}

/**
 * Maps as the library gives them: the raw map is what it returns. Throws `method-not-applicable` for maps that are taken at no layer, and for
 * volumes and signals.
 */
export function likeLibrary(explanations: readonly Explanation[], library: Library): readonly Explanation[] {
  const several = new Set(explanations.map((e) => e.raw.layer)).size > 1
  const fused = library.fusion && several ? fuseLayers(explanations, library.fusion) : explanations
  return fused.map((e) => {
    const places = inputPlaces(e)
    const [height = 0, width = 0] = e.raw.dims
    if (e.method.space !== 'layer' || e.raw.dims.length !== 2 || places.length !== 2)
      throw new ExplainError('method-not-applicable', {
        what: `"${library.id}" draws maps of layers on pictures; ${e.method.id} gives none here`,
        where: 'like',
        remedy: 'Leave "like" out, or use grad-cam or another method that explains at a layer.',
      })
    const to = { height: places[0] ?? 0, width: places[1] ?? 0 }
    const end = library.steps.reduce<Plane>((plane, step) => step(plane, to), { data: e.raw.data, height, width })
    return withMap(e, float32([end.height, end.width], end.data), { provenance: { like: library.id } })
  })
}
