/** All that the page knows: what is there, what is asked, how it is drawn, and what came of it. One of these per page; parts read its signals. */
import { computed, signal } from '@preact/signals'
import type {
  ClassAnswer,
  ColormapName,
  GivenInputs,
  MethodInfo,
  Picture,
  Point,
  PreprocessOptions,
  WebExplanation,
  WebModel,
} from 'onnxplain/web'
import type { Problem } from './problem.js'

/** A picture that is looked at. A new one is a new object. */
export interface Subject {
  readonly name: string
  readonly picture: Picture
  /** The example it is, for the address; undefined for what the user brought. */
  readonly example: string | undefined
}

export type Tab = 'explain' | 'compare' | 'live'

/** `look`: values under the pointer; `occlude`: a grey square; `region`: which classes a place speaks for. */
export type Tool = 'look' | 'occlude' | 'region'

/** How picture and map lie: one over the other, with a line between them, or next to each other. */
export type Arrangement = 'overlay' | 'wipe' | 'beside'

/** A place on a picture that is pointed at, in its pixels. */
export interface Cursor extends Point {
  readonly subject: Subject
  /** Places that were gone to by keys are told to screen readers too. */
  readonly by: 'pointer' | 'keys'
}

/** What the network answers while a part of the picture is covered. */
export interface Covered {
  /** By class, without the square. */
  readonly before: ReadonlyMap<number, ClassAnswer>
  /** By class, with it. */
  readonly after: ReadonlyMap<number, ClassAnswer>
  readonly best: ClassAnswer
}

/** How maps are drawn. */
export interface Look {
  /** 0..1; undefined: as the drawing has it. */
  readonly opacity: number | undefined
  /** undefined: the usual one of the method. */
  readonly colormap: ColormapName | undefined
  /** Share of the largest value, 0..1, below which nothing is drawn. */
  readonly threshold: number
  /** undefined: as the method is usually drawn. */
  readonly signed: boolean | undefined
}

/** What is on the stage. */
export interface Shown {
  readonly subject: Subject
  readonly explanation: WebExplanation | PartialExplanation
  /** True while a long method is still filling it in. */
  readonly partial: boolean
}

/** A map as it stands in the middle of a long method: it cannot be saved yet. */
export type PartialExplanation = Omit<WebExplanation, 'save' | 'toBlob'>

/** What takes a while. */
export interface Progress {
  readonly label: string
  readonly done: number
  /** undefined where it is not known. */
  readonly total: number | undefined
  readonly unit: 'bytes' | 'runs'
  readonly cancel: () => void
}

export const DEFAULT_METHOD = 'grad-cam'
/** The columns of the figure that made Grad-CAM famous. */
export const DEFAULT_COLUMNS: readonly string[] = [
  'guided-backpropagation',
  'grad-cam',
  'guided-grad-cam',
  'occlusion',
  'cam',
]
/** Where wiping begins. */
export const HALF = 0.5
export const PLAIN_LOOK: Look = { opacity: undefined, colormap: undefined, threshold: 0, signed: undefined }

export class Studio {
  // what is there
  readonly model = signal<WebModel | undefined>(undefined)
  /** Where the model came from, for the address: a path of this origin, or undefined for the shipped one and for dropped files. */
  readonly modelUrl = signal<string | undefined>(undefined)
  readonly subject = signal<Subject | undefined>(undefined)

  // what is asked
  readonly tab = signal<Tab>('explain')
  /** The class that is explained; undefined: the best answer. */
  readonly target = signal<number | undefined>(undefined)
  /** The classes of the comparison, in order. Empty: the shown one and the best that rests elsewhere. */
  readonly compared = signal<readonly number[]>([])
  readonly columns = signal<readonly string[]>(DEFAULT_COLUMNS)
  readonly method = signal(DEFAULT_METHOD)
  /** undefined: the model's default. */
  readonly layer = signal<string | undefined>(undefined)
  /** Options of methods, under their own names. */
  readonly options = signal<Readonly<Record<string, number | string>>>({})
  /** What the user changed of the preprocessing. */
  readonly preprocessing = signal<PreprocessOptions>({})
  /** What the model's other inputs are given. */
  readonly inputs = signal<GivenInputs>({})

  // how it is drawn
  readonly look = signal<Look>(PLAIN_LOOK)
  readonly arrangement = signal<Arrangement>('overlay')
  /** Where the bare picture ends and the map begins when wiping, 0..1 from the left. */
  readonly wipe = signal(HALF)
  /** What the pointer does on the picture. */
  readonly tool = signal<Tool>('look')
  readonly cursor = signal<Cursor | undefined>(undefined)
  /** True while the list of keys is open. */
  readonly help = signal(false)

  // what came of it
  readonly answers = signal<readonly ClassAnswer[]>([])
  readonly shown = signal<Shown | undefined>(undefined)
  /** undefined while nothing is covered by hand. */
  readonly covered = signal<Covered | undefined>(undefined)
  readonly problem = signal<Problem | undefined>(undefined)
  readonly loading = signal<Progress | undefined>(undefined)
  readonly working = signal<Progress | undefined>(undefined)
  /** Counts maps that were made beforehand, for those who look at them. */
  readonly aheadOf = signal(0)
  /** Milliseconds of the last question that a map answered, from asking to map. */
  readonly took = signal<number | undefined>(undefined)

  /** The model with the preprocessing as changed; the model itself where what was typed cannot be. */
  readonly view = computed<WebModel | undefined>(() => {
    const model = this.model.value
    const changes = this.preprocessing.value
    if (!model?.preprocessing || Object.values(changes).every((v) => v === undefined)) return model
    try {
      return model.adjusted(changes)
    } catch {
      return model
    }
  })

  readonly methods = computed<readonly MethodInfo[]>(() => this.model.value?.methods ?? [])
  readonly methodInfo = computed(() => this.methods.value.find((m) => m.id === this.method.value))

  /** The answer that is shown. */
  readonly shownAnswer = computed<ClassAnswer | undefined>(() => {
    const index = this.target.value
    const answers = this.answers.value
    return index === undefined ? answers[0] : answers.find((a) => a.index === index)
  })
}
