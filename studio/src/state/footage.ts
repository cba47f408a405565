/** Moving pictures: the camera, or a file, in a video element that nobody sees. */
import { ExplainError } from 'onnxplain/web'

/** What is to be filmed or played. */
export type Source =
  /** `device`: as the browser names it; undefined: the one that looks away from the user, where there are several. */
  { readonly kind: 'camera'; readonly device: string | undefined } | { readonly kind: 'file'; readonly file: File }

/** Milliseconds. */
const LONGEST_WAIT = 1000

export class Footage {
  readonly source: Source
  readonly video: HTMLVideoElement
  readonly #stream: MediaStream | undefined
  readonly #url: string | undefined

  private constructor(source: Source, video: HTMLVideoElement, stream?: MediaStream, url?: string) {
    this.source = source
    this.video = video
    this.#stream = stream
    this.#url = url
  }

  /**
   * Starts the camera, for which the browser asks the user, or the file. Rejects with `cannot-read`. `lost` is called where the camera goes
   * away by itself. Once `signal` is aborted nothing is left running.
   */
  static async start(source: Source, signal: AbortSignal, lost: () => void): Promise<Footage> {
    const video = document.createElement('video')
    video.muted = true
    video.playsInline = true
    video.loop = true
    const footage =
      source.kind === 'camera'
        ? new Footage(source, video, await camera(source.device))
        : new Footage(source, video, undefined, URL.createObjectURL(source.file))
    try {
      for (const track of footage.#stream?.getTracks() ?? []) track.addEventListener('ended', lost)
      if (footage.#stream) video.srcObject = footage.#stream
      else video.src = footage.#url ?? ''
      await firstFrame(video, signal)
      await video.play()
      return footage
    } catch (error) {
      footage.stop()
      throw signal.aborted || error instanceof ExplainError
        ? error
        : new ExplainError('cannot-read', { what: 'The video cannot be played', cause: error })
    }
  }

  /** Lets go of the camera, or of the file. */
  stop(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop()
    this.video.pause()
    this.video.srcObject = null
    this.video.removeAttribute('src')
    this.video.load()
    if (this.#url !== undefined) URL.revokeObjectURL(this.#url)
  }

  /** Resolves at the next frame that is shown, when the signal is aborted, or after a second: a busy browser may never tell of a frame. */
  nextFrame(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const go = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', go)
        this.video.cancelVideoFrameCallback(handle)
        resolve()
      }
      const handle = this.video.requestVideoFrameCallback(go)
      const timer = setTimeout(go, LONGEST_WAIT)
      signal.addEventListener('abort', go, { once: true })
    })
  }
}

/** Networks look at a few hundred pixels a side; more is only slower to read. */
const ASKED = { width: { ideal: 640 }, height: { ideal: 480 } }

async function camera(device: string | undefined): Promise<MediaStream> {
  const devices = navigator.mediaDevices as MediaDevices | undefined
  if (!devices)
    throw new ExplainError('cannot-read', {
      what: 'This browser gives no camera to this page',
      remedy:
        'Cameras are given to pages of this machine (127.0.0.1) and to those by https. A video file works everywhere.',
    })
  const which = device === undefined ? { facingMode: 'environment' } : { deviceId: { exact: device } }
  try {
    return await devices.getUserMedia({ audio: false, video: { ...ASKED, ...which } })
  } catch (cause) {
    const [what, remedy] = reasons(cause instanceof DOMException ? cause.name : '')
    throw new ExplainError('cannot-read', { what, remedy, cause })
  }
}

function reasons(name: string): readonly [what: string, remedy: string] {
  if (name === 'NotAllowedError')
    return [
      'The browser was not allowed to use the camera',
      "Allow it in the browser's settings for this page and start again, or open a video file.",
    ]
  if (name === 'NotFoundError' || name === 'OverconstrainedError')
    return ['There is no such camera on this machine', 'Connect one and start again, or open a video file.']
  if (name === 'NotReadableError')
    return ['The camera does not start: another program may be using it', 'Close that program and start again.']
  return ['The camera does not start', 'Start it again, or open a video file.']
}

/** Resolves when there is a picture to draw. Rejects with `cannot-read` for what the browser cannot decode. */
function firstFrame(video: HTMLVideoElement, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const unreadable = (what: string): void =>
      reject(
        new ExplainError('cannot-read', {
          what,
          remedy: 'WebM (VP8, VP9) plays in every browser, MP4 (H.264) in most.',
          details: { code: video.error?.code },
        }),
      )
    const stop = new AbortController()
    const { signal: over } = stop
    const end = (settle: () => void): void => {
      stop.abort()
      settle()
    }
    const there = (): void =>
      end(video.videoWidth > 0 ? resolve : () => unreadable('There is no picture in this file, only sound'))
    video.addEventListener('loadeddata', there, { signal: over })
    video.addEventListener('error', () => end(() => unreadable('This browser cannot decode this video')), {
      signal: over,
    })
    signal.addEventListener('abort', () => end(() => reject(signal.reason)), { signal: over })
    if (signal.aborted) end(() => reject(signal.reason))
  })
}
