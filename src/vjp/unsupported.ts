/** Operators that are neither differentiated nor without gradient by nature, and why. */
import type { Node } from '../onnx/ir.js'

const ONE_LAYOUT = 'stored for one kind of processor'
const NO_RULE = 'no backward rule is written'
const NEWER = 'newer than the opsets that ONNX Runtime reads'

/** The reason by operator. */
export const UNSUPPORTED = {
  'com.microsoft.GatedRelativePositionBias': NO_RULE,
  'com.microsoft.GroupQueryAttention': NO_RULE,
  'com.microsoft.nchwc.AveragePool': ONE_LAYOUT,
  'com.microsoft.nchwc.Conv': ONE_LAYOUT,
  'com.microsoft.nchwc.GlobalAveragePool': ONE_LAYOUT,
  'com.microsoft.nchwc.GlobalMaxPool': ONE_LAYOUT,
  'com.microsoft.nchwc.MaxPool': ONE_LAYOUT,
  'com.microsoft.nchwc.ReorderInput': ONE_LAYOUT,
  'com.microsoft.nchwc.ReorderOutput': ONE_LAYOUT,
  'com.microsoft.nchwc.Upsample': ONE_LAYOUT,
  'com.microsoft.RelativePositionBias': NO_RULE,
  CausalConvWithState: NEWER,
  LinearAttention: NEWER,
  SwiGLU: NEWER,
} as const satisfies Readonly<Record<string, string>>

const FED = 'which tensors are in it depends on what is fed'

/** Why a node is still there of an operator that a pass takes away where it can. */
export const LEFT_OVER = {
  ConcatFromSequence: FED,
  Loop: 'it ends by a condition that is computed in it, or what it carries along grows',
  OptionalGetElement: FED,
  SequenceAt: FED,
  SequenceConstruct: FED,
  SequenceErase: FED,
  SequenceInsert: FED,
  SequenceMap: FED,
  SplitToSequence: FED,
} as const satisfies Readonly<Record<string, string>>

/** Why an operator is not supported; undefined where nothing is said of it. */
export function whyUnsupported(name: string): string | undefined {
  const table: Readonly<Record<string, string>> = { ...UNSUPPORTED, ...LEFT_OVER }
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/** ONNX Runtime's layout for one kind of processor: weights are stored in blocks of its vectors' width. */
const ONE_PROCESSOR = 'com.microsoft.nchwc'

/** What can be done about nodes that have no backward rule. */
export function remedyFor(nodes: readonly Node[]): string {
  const still = 'Methods that need no gradient still work: occlusion.'
  if (!nodes.some((n) => n.domain === ONE_PROCESSOR)) return still
  return `The file was optimised for one kind of processor: save it again at a lower level of optimisation (ORT_ENABLE_EXTENDED), or give the file it was made from. ${still}`
}
