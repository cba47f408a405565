/** What can be turned: method, layer, how it is drawn; what the map is worth; where it came from. */

import { HowSure } from './how-sure.js'
import { InputsPanel } from './inputs-panel.js'
import { LookPanel } from './look-panel.js'
import { MethodPanel } from './method-panel.js'
import { PreprocessingPanel } from './preprocessing-panel.js'
import { ProvenancePanel } from './provenance-panel.js'
import { TakeAway } from './take-away.js'
import { TargetField } from './target-field.js'

export function SidePanel() {
  return (
    <aside class="side" aria-label="Method and drawing">
      <MethodPanel />
      <TargetField />
      <InputsPanel />
      <LookPanel />
      <HowSure />
      <PreprocessingPanel />
      <ProvenancePanel />
      <TakeAway />
    </aside>
  )
}
