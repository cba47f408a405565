/** What the pointer can do on the picture, for each form of answer. */
import type { AnswerKind } from 'onnxplain/web'
import type { Studio, Tool } from './studio.js'

const TOOLS: Readonly<Record<AnswerKind, readonly Tool[]>> = {
  classes: ['look', 'occlude', 'region'],
  map: ['look', 'paint'],
  words: ['look'],
  boxes: ['look'],
  embedding: ['look'],
  values: ['look'],
}

export function toolsOf(studio: Studio): readonly Tool[] {
  return TOOLS[studio.view.value?.answer.kind ?? 'classes']
}

/** Takes up a tool, or lays it down; one that this model has no use for is left alone. */
export function toggleTool(studio: Studio, tool: Tool): void {
  if (toolsOf(studio).includes(tool)) studio.tool.value = studio.tool.value === tool ? 'look' : tool
}
