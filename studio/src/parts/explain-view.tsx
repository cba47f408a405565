/** One picture, one class, one method: what it answers on the left, the stage, what can be turned on the right, layers below. */
import { AnswerPanel } from './answer-panel.js'
import { LayerStrip } from './layer-strip.js'
import { SidePanel } from './side-panel.js'
import { Stage } from './stage.js'

export function ExplainView() {
  return (
    <div class="explain">
      <AnswerPanel />
      <Stage />
      <SidePanel />
      <LayerStrip />
    </div>
  )
}
