/**
 * Live: a map on every frame that there is time for. One frame is in the network at a time; those that come meanwhile are never seen, so that
 * what is shown is never old.
 */
import { computed, effect, signal } from '@preact/signals'
import {
  type ClassAnswer,
  type ColormapName,
  type Drawn,
  drawExplained,
  type MethodInfo,
  type Picture,
  type WebExplanation,
  type WebModel,
} from 'onnxplain/web'
import { possible } from './drawing.js'
import { Footage, type Source } from './footage.js'
import { isAborted, type Problem, problemOf } from './problem.js'
import { DEFAULT_METHOD, type Studio } from './studio.js'

/** `starting`: the browser asks the user, or reads the file. */
export type LiveState = 'off' | 'starting' | 'on' | 'paused'

/** A frame with its map. */
export interface LiveFrame {
  readonly picture: Picture
  readonly drawn: Drawn
  readonly explanation: WebExplanation
  readonly answers: readonly ClassAnswer[]
}

/** How fast frames come, over the last {@link COUNTED}. */
export interface Pace {
  /** Frames a second. */
  readonly rate: number
  /** Milliseconds from a frame to its map. */
  readonly each: number
  /** All frames since the start. */
  readonly frames: number
}

/** The longest side of a frame, in pixels. */
const LONGEST = 640
const COUNTED = 20
const BEST = -1

export class Live {
  readonly #studio: Studio
  readonly state = signal<LiveState>('off')
  readonly frame = signal<LiveFrame | undefined>(undefined)
  readonly pace = signal<Pace | undefined>(undefined)
  readonly problem = signal<Problem | undefined>(undefined)
  readonly wanted = signal(DEFAULT_METHOD)
  /** The class that is explained; undefined: the best answer of each frame. */
  readonly held = signal<number | undefined>(undefined)
  /** Said where the camera was let go without being asked. */
  readonly note = signal('')
  readonly source = signal<Source | undefined>(undefined)
  /** Cameras to choose from, known once one was allowed. */
  readonly cameras = signal<readonly MediaDeviceInfo[]>([])
  #footage: Footage | undefined
  /** Of the camera or file as a whole. */
  #whole: AbortController | undefined
  /** Of the frames between two pauses. */
  #run: AbortController | undefined
  /** When the last frames were done, and how long each took, in milliseconds. */
  #times: readonly (readonly [done: number, took: number])[] = []
  #count = 0

  /** Methods that are quick enough: one run of the network, and a map at a layer. */
  readonly methods = computed<readonly MethodInfo[]>(() =>
    this.#studio.methods.value.filter((m) => m.family === 'cam' && m.kind === 'compiled'),
  )
  readonly method = computed(() => this.methods.value.find((m) => m.id === this.wanted.value) ?? this.methods.value[0])

  constructor(studio: Studio) {
    this.#studio = studio
  }

  /** Stops when the view is left, the page is hidden, or the returned function is called. */
  follow(): () => void {
    const hidden = (): void => {
      if (document.visibilityState === 'hidden' && this.state.peek() !== 'off') {
        this.stop()
        this.note.value = 'Stopped while the page was out of sight.'
      }
    }
    const gone = (): void => this.stop()
    document.addEventListener('visibilitychange', hidden)
    addEventListener('pagehide', gone)
    // what could not be done by one model or method may be done by another
    const end = effect(() => {
      this.#studio.view.value
      this.method.value
      this.#studio.layer.value
      if (this.problem.peek() && this.state.peek() === 'paused') this.resume()
    })
    return () => {
      document.removeEventListener('visibilitychange', hidden)
      removeEventListener('pagehide', gone)
      end()
      this.stop()
    }
  }

  async start(source: Source): Promise<void> {
    this.stop()
    const controller = new AbortController()
    const { signal } = controller
    this.#whole = controller
    this.state.value = 'starting'
    this.source.value = source
    try {
      const footage = await Footage.start(source, signal, () => {
        this.stop()
        this.note.value = 'The camera is gone.'
      })
      if (signal.aborted) return footage.stop()
      this.#footage = footage
      if (source.kind === 'camera') void this.#listCameras(signal)
      this.#go()
    } catch (error) {
      if (signal.aborted) return
      this.stop()
      const what = source.kind === 'camera' ? 'There is no camera' : `${source.file.name} could not be played`
      this.problem.value = problemOf(what, error)
    }
  }

  pause(): void {
    this.#run?.abort()
    this.#footage?.video.pause()
    if (this.#footage) this.state.value = 'paused'
  }

  resume(): void {
    const video = this.#footage?.video
    if (!video) return
    video.play().then(
      () => this.#go(),
      () => this.stop(),
    )
  }

  /** Ends it, and lets go of the camera. */
  stop(): void {
    this.#whole?.abort()
    this.#run?.abort()
    this.#footage?.stop()
    this.#footage = undefined
    this.state.value = 'off'
    this.problem.value = undefined
    this.note.value = ''
    this.frame.value = undefined
    this.pace.value = undefined
    this.#times = []
    this.#count = 0
  }

  #go(): void {
    this.#run?.abort()
    const run = new AbortController()
    this.#run = run
    this.#times = []
    this.problem.value = undefined
    this.state.value = 'on'
    void this.#frames(run.signal)
  }

  async #frames(signal: AbortSignal): Promise<void> {
    const canvas = document.createElement('canvas')
    const context = canvas.getContext('2d', { willReadFrequently: true })
    for (;;) {
      const footage = this.#footage
      if (signal.aborted || !footage || !context) return
      await footage.nextFrame(signal)
      if (signal.aborted) return
      const view = this.#studio.view.peek()
      const method = this.method.peek()
      if (!view || !method) continue
      const start = performance.now()
      try {
        await this.#explain(view, method, pictureOf(footage.video, context), signal)
      } catch (error) {
        // a model that was exchanged meanwhile gives up its work
        if (signal.aborted || (isAborted(error) && view !== this.#studio.view.peek())) continue
        this.pause()
        this.problem.value = problemOf(`${method.title} says nothing here`, error)
        return
      }
      if (!signal.aborted) this.#counted(performance.now() - start)
    }
  }

  async #explain(view: WebModel, method: MethodInfo, picture: Picture, signal: AbortSignal): Promise<void> {
    const s = this.#studio
    const held = this.held.peek()
    const at = method.atLayer ? s.layer.peek() : undefined
    const options = {
      method: method.id,
      ...(view.answer.kind === 'classes' ? { target: held ?? BEST } : {}),
      layer: at,
      ...s.given.peek(),
      signal,
    }
    const { explanations, refused, answers } = await view.explainAll(picture, options)
    if (signal.aborted) return
    const [explanation] = explanations
    if (!explanation) throw refused[0]?.error ?? new Error('There is no map')
    const look: { readonly colormap?: ColormapName | undefined } = possible(s.look.peek(), explanation)
    this.frame.value = { picture, drawn: drawExplained(picture, explanation, look), explanation, answers }
  }

  #counted(took: number): void {
    const now = performance.now()
    this.#times = [...this.#times, [now, took] as const].slice(-COUNTED)
    const [first] = this.#times
    const steps = this.#times.length - 1
    const rate = first && steps > 0 ? (steps * 1000) / (now - first[0]) : 0
    const each = this.#times.reduce((sum, [, ms]) => sum + ms, 0) / this.#times.length
    this.pace.value = { rate, each, frames: ++this.#count }
  }

  async #listCameras(signal: AbortSignal): Promise<void> {
    const found = await navigator.mediaDevices.enumerateDevices().catch(() => [])
    if (!signal.aborted) this.cameras.value = found.filter((d) => d.kind === 'videoinput')
  }
}

/** What the video shows, no larger than is needed. */
function pictureOf(video: HTMLVideoElement, context: CanvasRenderingContext2D): Picture {
  const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight))
  const width = Math.max(1, Math.round(video.videoWidth * scale))
  const height = Math.max(1, Math.round(video.videoHeight * scale))
  const { canvas } = context
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  context.drawImage(video, 0, 0, width, height)
  return { width, height, data: new Uint8Array(context.getImageData(0, 0, width, height).data.buffer) }
}
