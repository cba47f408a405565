/** The page: makes its state, reads the address, and puts the parts on the screen. */
import { render } from 'preact'
import { App } from './parts/app.js'
import { DeskContext } from './parts/context.js'
import { Address } from './state/address.js'
import { Asking } from './state/asking.js'
import { Comparing } from './state/comparing.js'
import { Detecting } from './state/detecting.js'
import { Drawing } from './state/drawing.js'
import { Explaining } from './state/explaining.js'
import { Live } from './state/live.js'
import { Maps } from './state/maps.js'
import { Occluding } from './state/occluding.js'
import { EXAMPLES, Opening } from './state/opening.js'
import { Painting } from './state/painting.js'
import { Regions } from './state/regions.js'
import { Studio } from './state/studio.js'
import { Writing } from './state/writing.js'
import './style/base.css'
import './style/layout.css'
import './style/parts.css'

const studio = new Studio()
const opening = new Opening(studio)
const drawing = new Drawing()
const maps = new Maps()
const explaining = new Explaining(studio, maps)
const comparing = new Comparing(studio, maps)
const live = new Live(studio)
const occluding = new Occluding(studio)
const regions = new Regions(studio)
const asking = new Asking(studio)
const writing = new Writing(studio)
const detecting = new Detecting(studio)
const painting = new Painting(studio)
const address = new Address(studio, opening)
const root = document.getElementById('app')
if (root) {
  root.replaceChildren()
  render(
    <DeskContext.Provider
      value={{
        studio,
        opening,
        explaining,
        comparing,
        live,
        drawing,
        occluding,
        regions,
        asking,
        writing,
        detecting,
        painting,
      }}
    >
      <App />
    </DeskContext.Provider>,
    root,
  )
  asking.follow()
  writing.follow()
  detecting.follow()
  explaining.follow()
  comparing.follow()
  occluding.follow()
  regions.follow()
  // read before it is written for the first time
  void address.read(EXAMPLES[0]?.id ?? '')
  address.follow()
}
