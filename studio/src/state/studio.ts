/** All that the page knows: what is there, what is asked, how it is drawn, and what came of it. One of these per page; parts read its signals. */
import { computed, signal } from '@preact/signals'
import type {
  ClassAnswer,
  ColormapName,
  DetectedBox,
  ExplainOptions,
  GivenInputs,
  MethodInfo,
  Picture,
  Point,
  PreprocessOptions,
  Segmentation,
  WebExplanation,
  WebModel,
} from 'onnxplain/web'
import type { Problem } from './problem.js'
import { usualOf, type Wanted } from './wanted.js'

/** A picture that is looked at. A new one is a new object. */
export interface Subject {
  readonly name: string
  readonly picture: Picture
  /** The example it is, for the address; undefined for what the user brought. */
  readonly example: string | undefined
}

export type Tab = 'explain' | 'compare' | 'live'

/** `look`: values under the pointer; `occlude`: a grey square; `region`: which classes a place speaks for; `paint`: a region of one's own. */
export type Tool = 'look' | 'occlude' | 'region' | 'paint'

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

/** A word of a text, which may be several tokens: those from `first` to `last`. */
export interface WrittenWord {
  readonly text: string
  readonly first: number
  readonly last: number
  /** 0 to 1, of all that could stand there. */
  readonly probability: number
}

/** A text about a picture, whose words can be explained. */
export interface WrittenText {
  readonly view: WebModel
  readonly subject: Subject
  readonly text: string
  /** What the model is given for it. */
  readonly caption: readonly number[]
  readonly words: readonly WrittenWord[]
  /** True for a text that the model did not write. */
  readonly isOwn: boolean
}

/** What goes with a picture: other inputs, and texts. */
export type Given = Pick<ExplainOptions, 'inputs' | 'question' | 'caption'>

/** What is on the stage. */
export interface Shown {
  readonly subject: Subject
  readonly explanation: WebExplanation | PartialExplanation
  /** What it is of. */
  readonly wanted: Wanted
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
  readonly unit: 'bytes' | 'runs' | 'words'
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
/** What a detector is at least to be sure of. */
export const BOXES_FROM = 0.25
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
  /** What is explained; undefined: what is usual, such as the best answer. */
  readonly target = signal<Wanted | undefined>(undefined)
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
  /** What the model is asked, as it is typed. */
  readonly question = signal('')
  /** A text of one's own, in the place of the one that the model writes. */
  readonly ownCaption = signal<string | undefined>(undefined)
  /** Boxes of lower scores are not shown, 0..1. */
  readonly boxesFrom = signal(BOXES_FROM)

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
  /** The question that goes to the model; undefined while there is none that it can read. */
  readonly asked = signal<string | undefined>(undefined)
  readonly written = signal<WrittenText | undefined>(undefined)
  /** All that a detector found, best first. */
  readonly found = signal<readonly DetectedBox[] | undefined>(undefined)
  readonly segmented = signal<Segmentation | undefined>(undefined)
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

  /** The boxes that are shown: box `i` is `box:i`. */
  readonly boxes = computed(() => this.found.value?.filter((b) => b.score >= this.boxesFrom.value))

  /** What goes with the picture. */
  readonly given = computed<Given>(() => {
    const written = this.written.value
    const isOfThis = written?.view === this.view.value && written?.subject === this.subject.value
    return {
      inputs: this.inputs.value,
      ...(this.asked.value ? { question: this.asked.value } : {}),
      ...(written && isOfThis ? { caption: written.caption } : {}),
    }
  })

  /** Inputs that nothing is given for yet. Those of words have fields of their own. */
  readonly missing = computed<readonly string[]>(() => {
    const view = this.view.value
    const { inputs = {}, question, caption } = this.given.value
    const filled = new Set([
      ...Object.keys(inputs),
      ...((question !== undefined && view?.texts.question) || []),
      ...((caption !== undefined && view?.texts.caption) || []),
    ])
    return (view?.others ?? []).map((o) => o.name).filter((name) => !filled.has(name))
  })

  /** What is explained; undefined where that is not known yet. */
  readonly wanted = computed<Wanted | undefined>(() => this.target.value ?? usualOf(this))

  /** The answer that is shown. */
  readonly shownAnswer = computed<ClassAnswer | undefined>(() =>
    this.answers.value.find((a) => a.index === this.wanted.value),
  )
}
