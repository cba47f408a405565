/** One picture, one class, one method: answers on the left, the stage, what can be turned on the right, layers below. */
import { Answers } from './answers.js'
import { LayerStrip } from './layer-strip.js'
import { SidePanel } from './side-panel.js'
import { Stage } from './stage.js'

export function ExplainView() {
  return (
    <div class="explain">
      <Answers />
      <Stage />
      <SidePanel />
      <LayerStrip />
    </div>
  )
}
