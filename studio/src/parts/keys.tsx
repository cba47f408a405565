/** The keyboard: one key for each thing that is done often, and the list of them. */
import { useEffect, useRef } from 'preact/hooks'
import { problemOf } from '../state/problem.js'
import { savePicture, takenOf } from '../state/taking.js'
import { toggleTool } from '../state/tools.js'
import { choicesOf } from '../state/wanted.js'
import { type Desk, useDesk } from './context.js'

interface Key {
  readonly keys: string
  readonly says: string
  readonly does: (desk: Desk, key: string) => void
}

const KEYS: readonly Key[] = [
  {
    keys: '123456789',
    says: 'the first to the ninth answer, word, box or region',
    does: ({ studio }, key) => {
      const choice = choicesOf(studio)[Number(key) - 1]
      if (choice !== undefined) studio.target.value = choice
    },
  },
  {
    keys: '[]',
    says: 'the method before, the method after',
    does: ({ studio }, key) => stepMethod(studio, key === ']' ? 1 : -1),
  },
  {
    keys: ',.',
    says: 'the layer before, the layer after',
    does: ({ studio }, key) => stepLayer(studio, key === '.' ? 1 : -1),
  },
  {
    keys: 'w',
    says: 'wipe half of the map away, and back',
    does: ({ studio }) => {
      studio.arrangement.value = studio.arrangement.value === 'wipe' ? 'overlay' : 'wipe'
    },
  },
  {
    keys: 'b',
    says: 'picture and map side by side, and back',
    does: ({ studio }) => {
      studio.arrangement.value = studio.arrangement.value === 'beside' ? 'overlay' : 'beside'
    },
  },
  {
    keys: 'o',
    says: 'occlude by hand',
    does: ({ studio }) => toggleTool(studio, 'occlude'),
  },
  {
    keys: '+-',
    says: 'a larger or smaller square or brush',
    does: ({ studio, occluding, painting }, key) => {
      if (studio.tool.value === 'paint') painting.grow(key === '+' ? 1 : -1)
      if (studio.tool.value === 'occlude') occluding.grow(key === '+' ? 1 : -1)
    },
  },
  {
    keys: 'r',
    says: 'which classes a region speaks for, and back',
    does: ({ studio }) => toggleTool(studio, 'region'),
  },
  { keys: 'p', says: 'paint a region, for segmentation, and back', does: ({ studio }) => toggleTool(studio, 'paint') },
  {
    keys: 'c',
    says: 'compare, and back',
    does: ({ studio }) => {
      studio.tab.value = studio.tab.value === 'compare' ? 'explain' : 'compare'
    },
  },
  {
    keys: 's',
    says: 'save the picture with its map',
    does: ({ studio }) => {
      const taken = takenOf(studio.shown.value)
      if (!taken) return
      savePicture(taken, studio.look.value, 'png').catch((error: unknown) => {
        studio.problem.value = problemOf('The picture could not be saved', error)
      })
    },
  },
]

function stepMethod({ methods, method }: Desk['studio'], step: number): void {
  const ids = methods.value.map((m) => m.id)
  const next = ids[(ids.indexOf(method.value) + step + ids.length) % ids.length]
  if (next) method.value = next
}

function stepLayer({ model, layer }: Desk['studio'], step: number): void {
  const layers = model.value?.inspect().layers ?? []
  const now = layers.findIndex((l) => (layer.value === undefined ? l.default : l.name === layer.value))
  const next = layers[Math.min(layers.length - 1, Math.max(0, now + step))]
  if (next) layer.value = next.default ? undefined : next.name
}

/** Listens to the keys of {@link KEYS}, but for those that are typed into a field. */
export function useKeys(): void {
  const desk = useDesk()
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
      const { target } = event
      if (
        target instanceof HTMLElement &&
        target.closest('input:not([type=checkbox],[type=radio],[type=range]), select, textarea, dialog')
      )
        return
      if (event.key === '?') {
        desk.studio.help.value = true
        return
      }
      const found = KEYS.find((k) => k.keys.includes(event.key) && event.key.length === 1)
      if (!found) return
      event.preventDefault()
      found.does(desk, event.key)
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [desk])
}

export function Help() {
  const { studio } = useDesk()
  const dialog = useRef<HTMLDialogElement>(null)
  const open = studio.help.value
  useEffect(() => {
    if (open) dialog.current?.showModal()
    else dialog.current?.close()
  }, [open])
  const close = (): void => {
    studio.help.value = false
  }
  return (
    <dialog class="dialog" ref={dialog} onClose={close} aria-label="Keys">
      <h2>Keys</h2>
      <dl class="keys">
        {KEYS.map(({ keys, says }) => (
          <div key={keys}>
            <dt>
              {(keys.length > 2 ? [`${keys[0]}–${keys.at(-1)}`] : [...keys]).map((k) => (
                <kbd key={k}>{k}</kbd>
              ))}
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>this list</dd>
        </div>
      </dl>
      <button type="button" class="button" onClick={close}>
        Close
      </button>
    </dialog>
  )
}
