/** The camera or a video, with a map on every frame. */
import { batch } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Source } from '../state/footage.js'
import { ColourBar } from './bar.js'
import { ClassFinder } from './class-finder.js'
import { useDesk } from './context.js'
import { LiveAnswers } from './live-answers.js'
import { milliseconds } from './numbers.js'
import { PixelsCanvas } from './pixels-canvas.js'
import '../style/live.css'

export function LiveView() {
  const { live } = useDesk()
  useEffect(() => live.follow(), [live])
  return (
    <div class="live">
      <LiveStage />
      <aside class="live-side" aria-label="What is live">
        <Controls />
        <LiveAnswers />
        <Hold />
        <Method />
      </aside>
    </div>
  )
}

function LiveStage() {
  const { live, studio } = useDesk()
  const frame = live.frame.value
  const state = live.state.value
  const problem = live.problem.value
  const view = studio.view.value
  const words =
    view && !view.preprocessing
      ? 'This model takes no photos: it cannot look at a video.'
      : view?.answer.kind === 'words'
        ? 'This model writes texts: it is explained picture by picture.'
        : state === 'starting'
          ? 'Waiting for the first frame …'
          : state === 'off'
            ? 'The camera is used when you start it, and its pictures stay on this machine.'
            : view
              ? 'Making the first map …'
              : 'The maps come when the model is there.'
  return (
    <section class="live-stage" aria-label="Live picture and map">
      {frame ? (
        <PixelsCanvas
          class="live-picture"
          pixels={frame.drawn.image}
          label={`${frame.explanation.method.title} for ${frame.explanation.answer.label}, on the frame of the moment`}
        />
      ) : (
        !problem && <p class="live-words">{live.note.value || words}</p>
      )}
      {problem && (
        <div class="live-problem" role="alert">
          <strong>{problem.title}</strong>
          <p>
            {problem.what}. {problem.remedy}
          </p>
          {problem.operators.length > 0 && <p>No backward rule: {problem.operators.join(', ')}.</p>}
        </div>
      )}
    </section>
  )
}

function Controls() {
  const { live, studio } = useDesk()
  const state = live.state.value
  const pace = live.pace.value
  const view = studio.view.value
  const ready = view?.preprocessing !== undefined && view.answer.kind !== 'words'
  const going = state === 'on' || state === 'paused'
  return (
    <section class="panel live-controls">
      <div class="live-buttons">
        {state === 'off' ? (
          <>
            <button
              type="button"
              class="button strong"
              disabled={!ready}
              onClick={() => void live.start({ kind: 'camera', device: undefined })}
            >
              Start the camera
            </button>
            <VideoPick disabled={!ready} />
          </>
        ) : (
          <>
            {going && (
              <button type="button" class="button" onClick={() => (state === 'paused' ? live.resume() : live.pause())}>
                {state === 'paused' ? 'Resume' : 'Pause'}
              </button>
            )}
            <button type="button" class="button" onClick={() => live.stop()}>
              Stop
            </button>
            {going && <LookAt />}
          </>
        )}
      </div>
      {state !== 'off' && <Cameras />}
      {pace && (
        <p class="live-pace">
          <strong>{pace.rate.toFixed(1)}</strong> frames/s · <strong>{milliseconds(pace.each)}</strong> a frame
          {state === 'paused' && <span class="muted"> · paused</span>}
        </p>
      )}
    </section>
  )
}

function VideoPick({ disabled }: { readonly disabled: boolean }) {
  const { live } = useDesk()
  return (
    <label class={`button live-file${disabled ? ' off' : ''}`}>
      Open a video …
      <input
        type="file"
        class="hidden-input"
        accept="video/*"
        disabled={disabled}
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? []
          event.currentTarget.value = ''
          if (file) void live.start({ kind: 'file', file })
        }}
      />
    </label>
  )
}

/** Takes the frame that is shown as the picture of the page, with the same question. */
function LookAt() {
  const { studio, opening, live } = useDesk()
  const frame = live.frame.value
  const look = async (): Promise<void> => {
    if (!frame) return
    const held = live.held.value
    const method = frame.explanation.method.id
    live.pause()
    await opening.picture(frame.picture, nameOf(live.source.value))
    batch(() => {
      studio.method.value = method
      studio.target.value = held
      studio.tab.value = 'explain'
    })
  }
  return (
    <button type="button" class="button live-look" disabled={!frame} onClick={() => void look()}>
      Look at this frame
    </button>
  )
}

function nameOf(source: Source | undefined): string {
  return source?.kind === 'file' ? `A frame of ${source.file.name.replace(/\.\w{1,5}$/, '')}` : 'A frame of the camera'
}

/** Where there are several. */
function Cameras() {
  const { live } = useDesk()
  const cameras = live.cameras.value
  const source = live.source.value
  if (source?.kind !== 'camera' || cameras.length < 2) return null
  return (
    <label class="field">
      <span class="field-name">Camera</span>
      <select
        value={source.device ?? ''}
        onChange={(event) => void live.start({ kind: 'camera', device: event.currentTarget.value || undefined })}
      >
        <option value="">as the browser chooses</option>
        {cameras.map((c, i) => (
          <option key={c.deviceId} value={c.deviceId}>
            {c.label || `camera ${i + 1}`}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Any class, also one that is not among the best. */
function Hold() {
  const { live } = useDesk()
  const answers = live.frame.value?.answers
  if (!answers) return null
  return (
    <section class="panel">
      <ClassFinder
        label="Hold to a class"
        answers={answers}
        without={live.held.value === undefined ? [] : [live.held.value]}
        onPick={(index) => {
          live.held.value = index
        }}
      />
    </section>
  )
}

function Method() {
  const { live } = useDesk()
  const method = live.method.value
  const frame = live.frame.value
  if (!method) return null
  return (
    <section class="panel">
      <label class="field">
        <span class="field-name">Method</span>
        <select
          value={method.id}
          onChange={(event) => {
            live.wanted.value = event.currentTarget.value
          }}
        >
          {live.methods.value.map((m) => (
            <option key={m.id} value={m.id}>
              {m.title}
            </option>
          ))}
        </select>
      </label>
      <p class="muted">{method.summary}</p>
      {frame && (
        <ColourBar bar={frame.drawn.bar} what="In the map's own units; scaled to each frame's largest value." />
      )}
    </section>
  )
}
