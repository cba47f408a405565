/** What is aimed at, as ratios to the plain forward pass of ONNX Runtime unless another unit is named. */

/** What is measured of one network, by name. */
export const MEASURES = {
  'grad-cam': 'Grad-CAM at the default layer, tensor to raw map',
  gradient: 'gradient of the whole input',
  'grad-cam, one thread': 'the same by processor time on one thread, which other work on the machine hardly lengthens',
  'gradient, one thread': 'likewise',
  figure: 'all columns of the figure but occlusion, one class',
  'two classes': 'Grad-CAM of two classes in one run, to two runs of one',
  session: 'creation of the gradient’s session, to the plain one’s',
  compile: 'compilation of the gradient, ms',
  'score-cam': 'times as fast as pytorch-grad-cam, Score-CAM',
  'ablation-cam': 'times as fast as pytorch-grad-cam, Ablation-CAM',
} as const

export type Measure = keyof typeof MEASURES

/** At most, or at least where more is better. */
interface Target {
  readonly most?: number
  readonly least?: number
}

const SHIPPED = 'efficientnet-lite0'

/** Networks by the names of their folders; `*` for all others. */
const TARGETS: Readonly<Partial<Record<Measure, Readonly<Record<string, Target>>>>> = {
  'grad-cam': {
    resnet50: { most: 1.1 },
    vgg16: { most: 1.1 },
    mobilenet_v2: { most: 1.15 },
    [SHIPPED]: { most: 1.15 },
  },
  gradient: {
    vgg16: { most: 2.1 },
    resnet18: { most: 2.1 },
    resnet50: { most: 2.1 },
    mobilenet_v2: { most: 2.1 },
    [SHIPPED]: { most: 2.1 },
    efficientnet_b0: { most: 2.3 },
    densenet121: { most: 2.3 },
    vit_b_16: { most: 2.3 },
    squeezenet1_1: { most: 2.5 },
  },
  figure: { '*': { most: 3.6 } },
  session: { '*': { most: 1.3 } },
  compile: { resnet50: { most: 150 }, vgg16: { most: 300 } },
  'score-cam': { resnet18: { least: 10 }, [SHIPPED]: { least: 10 } },
  'ablation-cam': { resnet18: { least: 10 }, [SHIPPED]: { least: 10 } },
}

/** What is aimed at for the command: see `bench/command.ts`. */
export const OF_THE_COMMAND = { throughput: { least: 0.85 }, coldStart: { most: 1.5 } } as const

/** Of occlusion: the share of the bound that is reached, and how many times as fast as Captum's it is. */
export const OF_OCCLUSION = {
  share: { '*': { least: 0.7 } },
  captum: { vgg16: { least: 10 }, resnet18: { least: 5 } },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Target>>>>

export function targetOf(measure: Measure, network: string): Target | undefined {
  const of = measure === 'grad-cam, one thread' || measure === 'gradient, one thread' ? undefined : TARGETS[measure]
  return of?.[network] ?? of?.['*']
}

/** Whether a figure is what was aimed at; undefined where nothing was. */
export function isMet(value: number, target: Target | undefined): boolean | undefined {
  if (!target) return undefined
  return value <= (target.most ?? Number.POSITIVE_INFINITY) && value >= (target.least ?? 0)
}

/** `≤ 2.1` */
export function printTarget(target: Target | undefined): string {
  if (!target) return ''
  return target.most === undefined ? `≥ ${target.least}` : `≤ ${target.most}`
}
