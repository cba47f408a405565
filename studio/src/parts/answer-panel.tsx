/** What the model answers, in the form that it has: classes, the words of a caption, boxes, regions; or where it has to be named, how. */
import type { AnswerKind } from 'onnxplain/web'
import type { ComponentType } from 'preact'
import '../style/answer-panel.css'
import { Answers } from './answers.js'
import { BoxList } from './box-list.js'
import { CaptionPanel } from './caption-panel.js'
import { useDesk } from './context.js'
import { NamedPanel } from './named-panel.js'
import { SegmentList } from './segment-list.js'

const PANELS: Readonly<Record<AnswerKind, ComponentType>> = {
  classes: Answers,
  words: CaptionPanel,
  boxes: BoxList,
  map: SegmentList,
  embedding: NamedPanel,
  values: NamedPanel,
}

export function AnswerPanel() {
  const { studio } = useDesk()
  const Panel = PANELS[studio.view.value?.answer.kind ?? 'classes']
  return <Panel />
}
