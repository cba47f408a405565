/** Operators of the standard that are neither differentiated nor without gradient by nature, and why. */
import type { Node } from '../onnx/ir.js'

const NO_RULE = 'no backward rule is written'
const NEWER = 'newer than the opsets that ONNX Runtime reads'

/** The reason by operator. */
export const UNSUPPORTED = {
  CausalConvWithState: NEWER,
  ConcatFromSequence: NO_RULE,
  LinearAttention: NEWER,
  Loop: NO_RULE,
  Optional: NO_RULE,
  OptionalGetElement: NO_RULE,
  OptionalHasElement: NO_RULE,
  SequenceAt: NO_RULE,
  SequenceConstruct: NO_RULE,
  SequenceEmpty: NO_RULE,
  SequenceErase: NO_RULE,
  SequenceInsert: NO_RULE,
  SequenceLength: NO_RULE,
  SequenceMap: NO_RULE,
  SplitToSequence: NO_RULE,
  SwiGLU: NEWER,
} as const satisfies Readonly<Record<string, string>>

/** Why an operator is not supported; undefined where nothing is said of it. */
export function whyUnsupported(name: string): string | undefined {
  const table: Readonly<Record<string, string>> = UNSUPPORTED
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
