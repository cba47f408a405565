/**
 * The rectifier rules of deconvnet and guided backpropagation, as overrides of the reverse walk: they reach every rectifier of
 * the graph, reused and fused ones too.
 *
 * With R the gradient that arrives and x the rectifier's input: gradient `R (x > 0)`, deconvnet `R (R > 0)`, guided
 * `R (x > 0) (R > 0)` (Springenberg et al. 2015, figure 1). Clip from 0 (ReLU6) is treated like Relu. LeakyRelu and PRelu keep
 * their slope: guided is the positive part of their plain gradient, deconvnet the positive part of R.
 */

import type { Graph, Node } from '../onnx/ir.js'
import type { Override, Rule, RuleCall } from '../vjp/rule.js'
import { ACTIVATIONS } from './activations.js'

type Rectify = (call: RuleCall, plain: Rule) => ReturnType<Rule>

/** Only the first input, the activation's own, gets the rule; slopes and bounds keep their plain gradient. */
const guidedRule: Rectify = (call, plain) => {
  const [own, ...others] = plain(call)
  return [own && (() => call.b.op('Relu', [own()])), ...others]
}

const deconvnetRule: Rectify = (call, plain) => {
  const [, ...others] = plain(call)
  return [() => call.b.op('Relu', [call.gy]), ...others]
}

/** Clip is a rectifier where its lower bound is 0. */
function fromZero(rule: Rectify): Rectify {
  return (call, plain) => (isRectifier(call.b.graph, call.node) ? rule(call, plain) : plain(call))
}

function override(name: string, rule: Rectify): Override {
  return { name, rules: { Relu: rule, Clip: fromZero(rule), LeakyRelu: rule, PRelu: rule } }
}

export const GUIDED = override('guided', guidedRule)
export const DECONVNET = override('deconvnet', deconvnetRule)

function isRectifier(graph: Graph, node: Node): boolean {
  if (node.op !== 'Clip') return ['Relu', 'LeakyRelu', 'PRelu'].includes(node.op)
  const low = graph.constant(node.inputs[1] ?? '')
  return low !== undefined && Number(low.data[0]) === 0
}

const KNOWN: ReadonlySet<string> = new Set(ACTIVATIONS)

/** Says which activations on the path the rectifier rules leave as plain gradients; undefined where there are none. */
export function leftAlone(graph: Graph, path: readonly Node[], method: string): string | undefined {
  const counts = new Map<string, number>()
  for (const node of path)
    if (node.domain === '' && KNOWN.has(node.op) && !isRectifier(graph, node))
      counts.set(node.op, (counts.get(node.op) ?? 0) + 1)
  if (counts.size === 0) return undefined
  const list = [...counts].map(([op, n]) => `${op} (${n})`).join(', ')
  return `${method} has no rule for ${list}: plain gradients there.`
}
