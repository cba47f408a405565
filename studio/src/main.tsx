/** The page: makes its state, reads the address, and puts the parts on the screen. */
import { render } from 'preact'
import { App } from './parts/app.js'
import { DeskContext } from './parts/context.js'
import { Address } from './state/address.js'
import { Comparing } from './state/comparing.js'
import { Drawing } from './state/drawing.js'
import { Explaining } from './state/explaining.js'
import { Live } from './state/live.js'
import { Maps } from './state/maps.js'
import { EXAMPLES, Opening } from './state/opening.js'
import { Studio } from './state/studio.js'
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
const address = new Address(studio, opening)
const root = document.getElementById('app')
if (root) {
  root.replaceChildren()
  render(
    <DeskContext.Provider value={{ studio, opening, explaining, comparing, live, drawing }}>
      <App />
    </DeskContext.Provider>,
    root,
  )
  explaining.follow()
  comparing.follow()
  // read before it is written for the first time
  void address.read(EXAMPLES[0]?.id ?? '')
  address.follow()
}
