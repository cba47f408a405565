/** Which model, which picture, which view. */
import { useSignal } from '@preact/signals'
import icon from '../icon.svg'
import { EXAMPLES } from '../state/opening.js'
import type { Tab } from '../state/studio.js'
import { useDesk } from './context.js'
import { Menu, MenuItem } from './menu.js'
import { millions, milliseconds } from './numbers.js'

const TABS: readonly { readonly id: Tab; readonly title: string }[] = [
  { id: 'explain', title: 'Explain' },
  { id: 'compare', title: 'Compare' },
  { id: 'live', title: 'Live' },
]

export function TopBar() {
  const { studio } = useDesk()
  return (
    <header class="bar">
      <h1 class="brand">
        <img src={icon} alt="" width="22" height="22" />
        onnxplain
      </h1>
      <ModelMenu />
      <PictureMenu />
      <span class="grow" />
      <nav class="tabs" aria-label="Views">
        {TABS.map(({ id, title }) => (
          <button
            type="button"
            key={id}
            class="tab"
            aria-current={studio.tab.value === id ? 'page' : undefined}
            onClick={() => {
              studio.tab.value = id
            }}
          >
            {title}
          </button>
        ))}
      </nav>
    </header>
  )
}

function ModelMenu() {
  const { studio, opening } = useDesk()
  const model = studio.model.value
  const took = studio.took.value
  const facts = model
    ? [`${millions(model.inspect().parameters)} M weights`, backendOf(model.runtime), took && milliseconds(took)]
        .filter(Boolean)
        .join(' · ')
    : 'no model yet'
  return (
    <Menu label="Model" title={model?.name ?? 'Model'} note={facts}>
      <MenuItem onPick={() => void opening.model(undefined, 'The shipped model')}>
        EfficientNet-Lite0, the model that comes with the page
      </MenuItem>
      <FilePick
        accept=".onnx,.data,.bin,.json,.txt"
        multiple
        label="Open a .onnx file …"
        hint="with its external data, config.json, labels"
      />
      <FilePick folder label="Open a model's folder …" hint="in the Hugging Face layout" />
      {model && (
        <p class="menu-note">
          {model.threads > 1 || !model.runtime.includes('wasm')
            ? `Runs here, on ${model.runtime}. Nothing leaves this machine.`
            : `Runs here, on ${model.runtime}: on one thread, since this server does not send the headers that threads need (COOP and COEP). Nothing leaves this machine.`}
        </p>
      )}
    </Menu>
  )
}

function PictureMenu() {
  const { studio, opening } = useDesk()
  const subject = studio.subject.value
  const size = subject ? `${subject.picture.width} × ${subject.picture.height} px` : ''
  return (
    <Menu label="Picture" title={subject?.name ?? 'Picture'} note={size}>
      {EXAMPLES.map((e) => (
        <MenuItem key={e.id} onPick={() => void opening.example(e.id)}>
          {e.title}
        </MenuItem>
      ))}
      <FilePick accept="image/*" label="Open a picture …" hint="or drop one anywhere, or paste it" />
      <PasteItem />
      <MenuItem
        onPick={() => {
          studio.tab.value = 'live'
        }}
      >
        From the camera …
      </MenuItem>
      <UrlForm />
    </Menu>
  )
}

function PasteItem() {
  const { opening } = useDesk()
  if (!('clipboard' in navigator) || !('read' in navigator.clipboard)) return null
  const paste = async (): Promise<void> => {
    const items = await navigator.clipboard.read().catch(() => [])
    const files: File[] = []
    for (const item of items)
      for (const type of item.types.filter((t) => t.startsWith('image/')))
        files.push(new File([await item.getType(type)], 'pasted picture', { type }))
    await opening.files(files)
  }
  return <MenuItem onPick={() => void paste()}>Paste a picture</MenuItem>
}

/** A picture of this site by its address. */
function UrlForm() {
  const { opening } = useDesk()
  const text = useSignal('')
  return (
    <form
      class="menu-form"
      onSubmit={(event) => {
        event.preventDefault()
        const url = new URL(text.value, document.baseURI)
        void opening.picture(url, url.pathname.split('/').at(-1) || 'picture')
      }}
    >
      <label>
        Address of a picture on this site
        <input
          type="text"
          value={text.value}
          placeholder="pictures/cat.jpg"
          onInput={(event) => {
            text.value = event.currentTarget.value
          }}
        />
      </label>
      <button type="submit" class="button" disabled={text.value.trim() === ''}>
        Open
      </button>
    </form>
  )
}

interface FilePickProps {
  readonly accept?: string
  readonly multiple?: boolean
  readonly folder?: boolean
  readonly label: string
  readonly hint: string
}

function FilePick({ accept, multiple, folder, label, hint }: FilePickProps) {
  const { opening } = useDesk()
  return (
    <label class="menu-item menu-file">
      <span>{label}</span>
      <small>{hint}</small>
      <input
        type="file"
        class="hidden-input"
        accept={accept}
        multiple={multiple === true || folder === true}
        {...(folder ? { webkitdirectory: true } : {})}
        onChange={(event) => {
          const input = event.currentTarget
          const files = [...(input.files ?? [])]
          input.value = ''
          if (files.length > 0) void opening.files(files)
          input.closest('details')?.removeAttribute('open')
        }}
      />
    </label>
  )
}

/** `wasm x2` of `onnxruntime-web 1.30.0 (wasm x2)`. */
function backendOf(runtime: string): string {
  return /\(([^)]*)\)/.exec(runtime)?.[1] ?? runtime
}
