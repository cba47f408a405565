/** What was measured, in Markdown: what `npm run bench` prints and docs/performance.md holds. */
import type { Spread } from './measure.js'
import { BATCH, PATCH, STRIDE } from './occlusion.js'
import type { OperatorTime } from './profile.js'
import type { CommandResult, NetworkResult, Results } from './results.js'
import { isMet, MEASURES, type Measure, OF_OCCLUSION, OF_THE_COMMAND, printTarget, targetOf } from './targets.js'

/** Measures that are ratios to the forward pass, and those that are not. */
const RATIOS = ['grad-cam', 'gradient', 'grad-cam, one thread', 'gradient, one thread', 'figure'] as const
const OTHERS = ['two classes', 'session', 'compile', 'score-cam', 'ablation-cam'] as const
const RIVALS = [
  'PyTorch forward',
  'PyTorch gradient',
  'Captum gradient',
  'pytorch-grad-cam grad-cam',
  'Captum grad-cam',
] as const
const OWN_MS = ['ONNX Runtime forward', 'grad-cam', 'gradient'] as const
/** Operators of a profile that are shown. */
const SHOWN = 10

/** `between` stands before the profiles. */
export function performanceText(results: Results, between = ''): string {
  const { machine: m, networks, command, chains } = results
  const parts = [
    `onnxplain ${m.onnxplain}, ${m.runtime}, Node ${m.node}, ${m.cores} x ${m.cpu}, ${m.memoryGb} GB, ${m.date}.`,
    ...(networks.length === 0
      ? []
      : [ratios(networks), milliseconds(networks), others(networks), memory(networks), occlusion(networks)]),
    command && commandText(command),
    chains.length > 0 && chainText(chains),
    between.trim(),
    ...networks.map(missed),
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A figure, its spread, what was aimed at, and whether that was missed. */
function cell(measure: Measure, network: NetworkResult, digits: number): string {
  const found = network.measures[measure]
  if (!found) return ''
  const target = targetOf(measure, network.name)
  const value = found.best.toFixed(digits)
  const aim = target ? `; ${printTarget(target)}${isMet(found.best, target) ? '' : ' **missed**'}` : ''
  return `${value} (${found.low.toFixed(digits)}-${found.high.toFixed(digits)}${aim})`
}

function ratios(networks: readonly NetworkResult[]): string {
  const rows = networks.map((n) => [
    n.name,
    `${n.nodes[0]} / ${n.nodes[1]}`,
    n.ms['ONNX Runtime forward']?.best.toFixed(1) ?? '',
    ...RATIOS.map((measure) => cell(measure, n, 2)),
    n.load.toFixed(1),
  ])
  const head = ['network', 'nodes: forward / with gradient', 'forward ms', ...RATIOS, 'load']
  const legend = RATIOS.map((measure) => `${measure}: ${MEASURES[measure]}`).join('; ')
  return `Ratios to the forward pass: best against best, and the middle half of the ratios run by run; what is aimed at. ${legend}. The load is that of the machine at the end of the network's runs.\n\n${table(head, rows)}`
}

function milliseconds(networks: readonly NetworkResult[]): string {
  const measured = networks.filter((n) => n.withoutRivals === undefined)
  const reasons = [...new Set(networks.flatMap((n) => n.withoutRivals ?? []))]
  const absent = reasons.length > 0 ? `Without rivals: ${reasons.join('; ')}.` : ''
  if (measured.length === 0) return absent
  const ms = (found: Spread | undefined): string => found?.best.toFixed(1) ?? '-'
  const rows = measured.map((n) => [n.name, ...[...OWN_MS, ...RIVALS].map((name) => ms(n.ms[name]))])
  const versions = Object.entries(measured[0]?.versions ?? {}).map(([k, v]) => `${k} ${v}`)
  return `Milliseconds, best run, beside others on the same weights and picture size (${versions.join(', ')}). ${absent}\n\n${table(['network', ...OWN_MS.map((name) => (name === 'ONNX Runtime forward' ? name : `onnxplain ${name}`)), ...RIVALS], rows)}`
}

function others(networks: readonly NetworkResult[]): string {
  const wanted = OTHERS.filter((measure) => networks.some((n) => n.measures[measure]))
  const rows = networks.map((n) => [
    n.name,
    ...wanted.map((measure) => cell(measure, n, measure === 'compile' ? 0 : 2)),
  ])
  return `${wanted.map((measure) => `${measure}: ${MEASURES[measure]}`).join('; ')}.\n\n${table(['network', ...wanted], rows)}`
}

function memory(networks: readonly NetworkResult[]): string {
  const rows = networks.flatMap(({ name, memory: found }) => {
    if (!found) return []
    const most = found.forward + found.activations
    const verdict = found.gradient <= most ? '' : ' **missed**'
    return [
      [name, `${found.forward}`, found.activations.toFixed(0), `${found.gradient} (≤ ${most.toFixed(0)}${verdict})`],
    ]
  })
  if (rows.length === 0) return ''
  return `Peak memory of a process, MB.\n\n${table(['network', 'forward', 'all activations', 'gradient'], rows)}`
}

function occlusion(networks: readonly NetworkResult[]): string {
  const captumTargets: Readonly<Record<string, { readonly least: number }>> = OF_OCCLUSION.captum
  const rows = networks.flatMap(({ name, occlusion: o }) => {
    if (!o) return []
    const share = o.faster.best / o.bound
    const captum = o.captum === undefined ? undefined : o.captum / o.windows.best
    const target = captumTargets[name]
    return [
      [
        name,
        `${o.onWindows} of ${o.tasks}`,
        o.bound.toFixed(2),
        o.counted.toFixed(2),
        o.plain.best.toFixed(2),
        o.windows.best.toFixed(2),
        `${o.faster.best.toFixed(2)} (${o.faster.low.toFixed(2)}-${o.faster.high.toFixed(2)})`,
        `${share.toFixed(2)} (${aim(share, OF_OCCLUSION.share['*'])})`,
        o.captum?.toFixed(2) ?? '-',
        captum === undefined ? '-' : `${captum.toFixed(1)}${target ? ` (${aim(captum, target)})` : ''}`,
      ],
    ]
  })
  if (rows.length === 0) return ''
  const head = ['network', 'nodes on windows', 'bound', 'counted', 'whole, ms a square', 'windows, ms a square']
  const more = ['times faster', 'share of the bound', 'Captum, ms a square', 'times as fast as Captum']
  return `Occlusion on windows against whole copies of the picture, squares of ${PATCH} pixels in steps of ${STRIDE}, ${BATCH} a run; the same map. bound: how many times fewer multiply-adds the windows of single squares have; counted: those of the graph as it runs. Batches from all over the picture: the mean of each one's best run, and the middle half of the rounds.\n\n${table([...head, ...more], rows)}`
}

function commandText({ throughput, coldStart, load }: CommandResult): string {
  const share = throughput.gradCam / throughput.forward
  const lines = [
    `Grad-CAM of the shipped model over many pictures: ${throughput.gradCam.toFixed(1)} a second, ${throughput.forward.toFixed(1)} for the answers alone: ${share.toFixed(2)} (${aim(share, OF_THE_COMMAND.throughput)}).`,
  ]
  if (coldStart)
    lines.push(
      `From the start of the command to the figure of the shipped model without occlusion: ${coldStart.best.toFixed(2)} s (${coldStart.low.toFixed(2)}-${coldStart.high.toFixed(2)}; ${aim(coldStart.best, OF_THE_COMMAND.coldStart)}).`,
    )
  return `${lines.join(' ')} Load ${load.toFixed(1)}.`
}

function aim(value: number, target: { readonly most?: number; readonly least?: number }): string {
  return `${printTarget(target)}${isMet(value, target) ? '' : ' **missed**'}`
}

function chainText(chains: Results['chains']): string {
  const rows = chains.map(({ nodes, ms }) => [`${nodes}`, ms.toFixed(0), (ms / nodes).toFixed(3)])
  return `Compilation of the gradient of a chain.\n\n${table(['nodes', 'ms', 'ms a node'], rows)}`
}

/** Where the time goes, for networks that miss what their gradient aims at (or whose profile alone was asked for). */
function missed(network: NetworkResult): string {
  const { profile, measures, name } = network
  if (!profile) return ''
  const total = (times: readonly OperatorTime[]): number => times.reduce((a, t) => a + t.ms, 0)
  const [forward, gradient] = [total(profile.forward), total(profile.gradient)]
  const isMissed = isMet(measures.gradient?.best ?? 0, targetOf('gradient', name)) === false
  const share = new Map(profile.forward.map((t) => [t.op, t.ms]))
  const rows = profile.gradient
    .slice(0, SHOWN)
    .map((t) => [t.op, `${t.nodes}`, t.ms.toFixed(2), (t.ms / forward).toFixed(2), (share.get(t.op) ?? 0).toFixed(2)])
  return `${name}${isMissed ? ', which misses' : ''}: operators of the gradient's run, each node's least time: ${gradient.toFixed(1)} ms, ${(gradient / forward).toFixed(2)} of the forward pass' ${forward.toFixed(1)}.\n\n${table(['operator', 'nodes', 'ms', 'of the forward pass', 'in the forward pass alone, ms'], rows)}`
}
