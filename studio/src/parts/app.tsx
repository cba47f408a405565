/** The page as a whole: bar, notices, one of three views, and what lies over them. */

import { CompareView } from './compare-view.js'
import { useDesk } from './context.js'
import { DropTarget } from './drop-target.js'
import { ExplainView } from './explain-view.js'
import { Help, useKeys } from './keys.js'
import { LiveView } from './live-view.js'
import { Notice } from './notice.js'
import { ProgressLine } from './progress-line.js'
import { TopBar } from './top-bar.js'

export function App() {
  const { studio } = useDesk()
  const tab = studio.tab.value
  useKeys()
  return (
    <DropTarget>
      <a class="skip" href="#main">
        Skip to the picture
      </a>
      <TopBar />
      <ProgressLine />
      <Notice />
      <main id="main" class={`view view-${tab}`} tabIndex={-1}>
        {tab === 'explain' && <ExplainView />}
        {tab === 'compare' && <CompareView />}
        {tab === 'live' && <LiveView />}
      </main>
      <Help />
    </DropTarget>
  )
}
