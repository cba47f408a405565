/** What the pointer does on the picture, how picture and map lie, and what the tool at hand can be told. */
import type { Arrangement, Tool } from '../state/studio.js'
import { toolsOf } from '../state/tools.js'
import { useDesk } from './context.js'
import { OccludeBar } from './occlude-bar.js'
import { PaintBar } from './paint-tool.js'

const TOOLS: readonly { readonly id: Tool; readonly title: string; readonly says: string }[] = [
  { id: 'look', title: 'Look', says: 'values under the pointer' },
  { id: 'occlude', title: 'Occlude', says: 'cover a place by hand and see the answers move (o)' },
  { id: 'region', title: 'Region', says: 'which classes a place speaks for (r)' },
  { id: 'paint', title: 'Paint', says: 'a class within a region of your own (p)' },
]

const ARRANGEMENTS: readonly { readonly id: Arrangement; readonly title: string; readonly says: string }[] = [
  { id: 'overlay', title: 'Overlay', says: 'the map on the picture' },
  { id: 'wipe', title: 'Wipe', says: 'the map up to a line (w)' },
  { id: 'beside', title: 'Side by side', says: 'the picture next to the map (b)' },
]

const HINTS: Readonly<Record<Tool, string>> = {
  look: 'Point, tap, or use the arrow keys',
  occlude: 'Move the square over the picture',
  region: 'Click a place, or drag a rectangle',
  paint: 'Drag the brush over the region that is to be explained',
}

export function StageBar() {
  const { studio } = useDesk()
  const tool = studio.tool.value
  const offered = toolsOf(studio)
  const kind = studio.view.value?.answer.kind
  return (
    <div class="stage-bar">
      <Segments
        label="What the pointer does"
        items={TOOLS.filter(({ id }) => offered.includes(id))}
        chosen={tool}
        choose={(id) => {
          studio.tool.value = id
        }}
      />
      <p class="stage-bar-hint muted">
        {tool === 'look' && kind === 'boxes'
          ? 'Click a box'
          : tool === 'look' && kind === 'map'
            ? 'Click a region'
            : HINTS[tool]}
      </p>
      <Segments
        label="How picture and map lie"
        items={ARRANGEMENTS}
        chosen={studio.arrangement.value}
        choose={(id) => {
          studio.arrangement.value = id
        }}
      />
      {tool === 'occlude' && <OccludeBar />}
      {tool === 'paint' && <PaintBar />}
    </div>
  )
}

interface SegmentsProps<Id extends string> {
  readonly label: string
  readonly items: readonly { readonly id: Id; readonly title: string; readonly says: string }[]
  readonly chosen: Id
  readonly choose: (id: Id) => void
}

function Segments<Id extends string>({ label, items, chosen, choose }: SegmentsProps<Id>) {
  return (
    <fieldset class="segments">
      <legend class="sr">{label}</legend>
      {items.map(({ id, title, says }) => (
        <button type="button" key={id} title={says} aria-pressed={chosen === id} onClick={() => choose(id)}>
          {title}
        </button>
      ))}
    </fieldset>
  )
}
