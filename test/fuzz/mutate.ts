/** Mutations of a model's bytes, blind and with knowledge of the format. All are drawn from a seed. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf'
import { attribute, float } from '../../src/onnx/attributes.js'
import { declare } from '../../src/onnx/builder.js'
import { DECOMPOSITIONS } from '../../src/passes/decompositions/index.js'
import { RULES, ZERO_GRADIENT } from '../../src/vjp/rules/index.js'
import { type Random, random } from '../support/random.js'
import { SEEDS, type Seed } from './seeds.js'

export interface Mutant {
  readonly seed: Seed
  readonly bytes: Uint8Array
  /** What was done, for messages. */
  readonly by: string
}

/** Draws from a seed. */
class Dice {
  readonly #random: Random
  constructor(seed: number) {
    this.#random = random(seed)
  }
  below(n: number): number {
    return Math.floor(this.#random.next() * n)
  }
  chance(p: number): boolean {
    return this.#random.next() < p
  }
  of<T>(list: readonly [T, ...T[]]): T
  of<T>(list: readonly T[]): T | undefined
  of<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)]
  }
}

const OPERATORS: readonly string[] = [
  ...[RULES, DECOMPOSITIONS, ZERO_GRADIENT].flatMap((table) => Object.keys(table)),
  'If',
  'Loop',
  'Scan',
  'NoSuchOperator',
  'constructor',
  '__proto__',
  '',
]
const ATTRIBUTES = [
  'allowzero',
  'alpha',
  'auto_pad',
  'axes',
  'axis',
  'beta',
  'blocksize',
  'body',
  'ceil_mode',
  'dilations',
  'equation',
  'group',
  'hidden_size',
  'keepdims',
  'kernel_shape',
  'mode',
  'num_heads',
  'num_outputs',
  'output_shape',
  'p',
  'pads',
  'perm',
  'size',
  'split',
  'starts',
  'steps',
  'storage_order',
  'strides',
  'to',
  'transB',
  'value',
  'value_ints',
] as const
const INTEGERS = [
  0,
  1,
  -1,
  2,
  3,
  7,
  -2,
  64,
  2 ** 20,
  2 ** 31,
  2 ** 32,
  -(2 ** 31),
  2 ** 53,
  2 ** 62,
  -(2 ** 63),
] as const
const FLOATS = [0, 1, -1, 1e-30, 1e30, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const
const WORDS = [
  '',
  'SAME_UPPER',
  'VALID',
  'linear',
  'cubic',
  'bij,bjk->bik',
  '...,...',
  '->',
  'forward',
  'constant',
  '\u0000',
] as const

// --- blind ------------------------------------------------------------------------------------------------------------

type Blind = (bytes: Uint8Array, dice: Dice) => Uint8Array

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((p) => [...p]))
}

function range(bytes: Uint8Array, dice: Dice, longest: number): [number, number] {
  const start = dice.below(bytes.length)
  return [start, Math.min(bytes.length, start + 1 + dice.below(longest))]
}

const BLIND: Readonly<Record<string, Blind>> = {
  'bit flips': (bytes, dice) => {
    const copy = Uint8Array.from(bytes)
    for (let i = 1 + dice.below(8); i > 0; i--) {
      const at = dice.below(copy.length)
      copy[at] = (copy[at] ?? 0) ^ (1 << dice.below(8))
    }
    return copy
  },
  'other bytes': (bytes, dice) => {
    const copy = Uint8Array.from(bytes)
    const [from, to] = range(copy, dice, 8)
    for (let i = from; i < to; i++) copy[i] = dice.of([0, 0x7f, 0x80, 0xff, dice.below(256)])
    return copy
  },
  truncation: (bytes, dice) => bytes.slice(0, dice.below(bytes.length)),
  'a chunk less': (bytes, dice) => {
    const [from, to] = range(bytes, dice, 64)
    return joined(bytes.subarray(0, from), bytes.subarray(to))
  },
  'a chunk twice': (bytes, dice) => {
    const [from, to] = range(bytes, dice, 256)
    return joined(bytes.subarray(0, to), bytes.subarray(from))
  },
  splice: (bytes, dice) => {
    const other = dice.of(SEEDS)?.bytes ?? bytes
    const [from, to] = range(other, dice, 256)
    const [start, end] = range(bytes, dice, 256)
    return joined(bytes.subarray(0, start), other.subarray(from, to), bytes.subarray(end))
  },
}

// --- with knowledge of the format -------------------------------------------------------------------------------------

type Knowing = (graph: GraphProto, dice: Dice, model: ModelProto) => void

function valueNames(graph: GraphProto): string[] {
  return [
    ...graph.input.map((i) => i.name),
    ...graph.initializer.map((t) => t.name),
    ...graph.node.flatMap((n) => n.output),
    '',
  ]
}

function replace<T>(list: T[], dice: Dice, make: (old: T) => T): void {
  const at = dice.below(list.length)
  const old = list[at]
  if (old !== undefined) list[at] = make(old)
}

function someAttribute(name: string, dice: Dice): AttributeProto {
  const integers = (): number[] => Array.from({ length: dice.of([0, 1, 2, 4, 8, 1000]) }, () => dice.of(INTEGERS))
  return dice.of([
    () => attribute(name, dice.of(INTEGERS)),
    () => attribute(name, float(dice.of(FLOATS))),
    () => attribute(name, dice.of(WORDS)),
    () => attribute(name, integers()),
    () => attribute(name, float([dice.of(FLOATS), dice.of(FLOATS)])),
    () => create(AttributeProtoSchema, { name, type: dice.below(16) }),
    () => create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: nested(dice.of([1, 5, 20, 60])) }),
  ])()
}

/** Graphs in graphs. */
function nested(depth: number): GraphProto {
  let graph = create(GraphProtoSchema, { name: 'innermost' })
  for (let i = 0; i < depth; i++)
    graph = create(GraphProtoSchema, {
      name: `level ${i}`,
      node: [
        create(NodeProtoSchema, {
          opType: 'If',
          output: [`v${i}`],
          attribute: [create(AttributeProtoSchema, { name: 'then_branch', type: AttributeType.GRAPH, g: graph })],
        }),
      ],
      output: [declare(`v${i}`)],
    })
  return graph
}

/** A node of the graph, or of one of its subgraphs. */
function someNode(graph: GraphProto, dice: Dice): NodeProto | undefined {
  const node = dice.of(graph.node)
  const inner = node?.attribute.find((a) => a.g)?.g
  return inner && inner.node.length > 0 && dice.chance(0.7) ? someNode(inner, dice) : node
}

function newDims(t: TensorProto, dice: Dice): void {
  const size = (): bigint => BigInt(dice.of(INTEGERS))
  if (t.dims.length === 0 || dice.chance(0.3)) t.dims = Array.from({ length: dice.of([0, 1, 2, 5, 300]) }, size)
  else replace(t.dims, dice, size)
}

function newShape(info: ValueInfoProto | undefined, dice: Dice): void {
  const type = info?.type?.value
  if (type?.case !== 'tensorType') return
  const dim = type.value.shape?.dim ?? []
  const size = (): void =>
    replace(dim, dice, (old) => {
      if (dice.chance(0.2)) return { ...old, value: { case: 'dimParam' as const, value: dice.of(['batch', 'n', '']) } }
      return { ...old, value: { case: 'dimValue' as const, value: BigInt(dice.of(INTEGERS)) } }
    })
  dice.of([
    size,
    size,
    () => {
      type.value.elemType = dice.below(24)
    },
    () => {
      if (type.value.shape) type.value.shape.dim = dim.slice(0, dice.below(dim.length + 1))
    },
    () => {
      delete type.value.shape
    },
  ])()
}

const KNOWING: Readonly<Record<string, Knowing>> = {
  'another operator': (g, dice) => {
    const node = someNode(g, dice)
    const [domain, op] = dice.of(OPERATORS)?.split(/\.(?=[^.]+$)/) ?? []
    if (!node) return
    node.opType = op ?? domain ?? ''
    node.domain = op === undefined ? dice.of(['', '', '', 'ai.onnx', 'com.microsoft']) : (domain ?? '')
  },
  'another input': (g, dice) => {
    const node = someNode(g, dice)
    if (node) replace(node.input, dice, () => dice.of(valueNames(g)) ?? '')
  },
  'another output': (g, dice) => {
    const node = someNode(g, dice)
    if (node) replace(node.output, dice, () => dice.of(valueNames(g)) ?? '')
  },
  'fewer or more inputs': (g, dice) => {
    const node = someNode(g, dice)
    if (node) node.input = dice.chance(0.5) ? node.input.slice(0, -1) : [...node.input, dice.of(valueNames(g)) ?? '']
  },
  'fewer or more outputs': (g, dice) => {
    const node = someNode(g, dice)
    if (node) node.output = dice.chance(0.5) ? node.output.slice(0, -1) : [...node.output, `more${dice.below(3)}`]
  },
  'an attribute changed': (g, dice) => {
    const node = someNode(g, dice)
    if (node) replace(node.attribute, dice, (old) => someAttribute(old.name, dice))
  },
  'an attribute added': (g, dice) => {
    const node = someNode(g, dice)
    node?.attribute.push(someAttribute(dice.of(ATTRIBUTES), dice))
  },
  'an attribute removed': (g, dice) => {
    someNode(g, dice)?.attribute.pop()
  },
  'a node removed': (g, dice) => {
    g.node.splice(dice.below(g.node.length), 1)
  },
  'a node twice': (g, dice) => {
    const node = dice.of(g.node)
    if (node) g.node.push({ ...node, output: dice.chance(0.5) ? node.output : node.output.map((o) => `${o} again`) })
  },
  'nodes in another order': (g, dice) => {
    replace(g.node, dice, (old) => {
      g.node.push(old)
      return g.node.shift() ?? old
    })
  },
  'dims of a weight': (g, dice) => {
    const t = dice.of(g.initializer)
    if (t) newDims(t, dice)
  },
  'type of a weight': (g, dice) => {
    const t = dice.of(g.initializer)
    if (t) t.dataType = dice.below(26)
  },
  'elements of a weight': (g, dice) => {
    const t = dice.of(g.initializer)
    if (!t) return
    if (dice.chance(0.3)) t.rawData = t.rawData.slice(0, dice.below(t.rawData.length + 1))
    else t.rawData = t.rawData.map((v) => (dice.chance(0.3) ? dice.of([0, 0x7f, 0x80, 0xff]) : v))
  },
  'place of a weight': (g, dice) => {
    const t = dice.of(g.initializer)
    if (!t) return
    t.dataLocation = 1
    const value = (): string => dice.of(['weights.bin', '0', '-4', '99999999999', 'NaN', '', '../secret', '1e3'])
    t.externalData = ['location', 'offset', 'length'].map((key) =>
      create(StringStringEntryProtoSchema, { key, value: value() }),
    )
  },
  'a weight removed': (g, dice) => {
    g.initializer.splice(dice.below(g.initializer.length), 1)
  },
  'a declaration': (g, dice) => newShape(dice.of([...g.input, ...g.output, ...g.valueInfo]), dice),
  'a declaration of a value in between': (g, dice) => {
    const info = declare(dice.of(valueNames(g)) ?? '', 'float32', [1, 2, 3])
    newShape(info, dice)
    g.valueInfo.push(info)
  },
  'other outputs': (g, dice) => {
    if (dice.chance(0.3)) g.output.pop()
    else g.output.push(declare(dice.of(valueNames(g)) ?? ''))
  },
  'other inputs': (g, dice) => {
    if (dice.chance(0.5)) g.input.pop()
    else g.input.push(declare(dice.of(valueNames(g)) ?? '', 'float32', [dice.of(INTEGERS), 3]))
  },
  'another opset': (_g, dice, model) => {
    if (dice.chance(0.2)) model.opsetImport.pop()
    else
      model.opsetImport = [
        create(OperatorSetIdProtoSchema, {
          version: BigInt(dice.of([...INTEGERS, 7, 8, 10, 11, 12, 13, 17, 19, 23, 26])),
        }),
      ]
  },
  'a function': (_g, dice, model) => {
    const f = dice.of(model.functions)
    const node = dice.of(f?.node ?? [])
    if (!f || !node) return
    dice.of([
      () => {
        node.opType = f.name
        node.domain = f.domain
      },
      () => {
        f.node.pop()
      },
      () => {
        f.input.pop()
      },
      () => {
        f.output.push('out')
      },
      () => {
        node.attribute = [someAttribute('alpha', dice)]
      },
    ])()
  },
}

/** Every mutation by name. */
export const MUTATIONS: readonly string[] = [...Object.keys(BLIND), ...Object.keys(KNOWING)]

/** The mutant of a number: one to three mutations of one of the seeds. */
export function mutant(number: number): Mutant {
  const dice = new Dice(number)
  const seed = dice.of(SEEDS)
  if (!seed) throw new Error('there are no seeds')
  let { bytes } = seed
  const done: string[] = []
  // a third of all cases are blind; blind mutations come last, since what they leave is seldom a model
  const names = dice.chance(0.33)
    ? []
    : Array.from({ length: 1 + dice.below(3) }, () => dice.of(Object.keys(KNOWING)) ?? '')
  if (names.length > 0) {
    const model = fromBinary(ModelProtoSchema, bytes)
    for (const name of names) if (model.graph) KNOWING[name]?.(model.graph, dice, model)
    bytes = toBinary(ModelProtoSchema, model)
    done.push(...names)
  } else {
    const name = dice.of(Object.keys(BLIND)) ?? ''
    bytes = BLIND[name]?.(bytes, dice) ?? bytes
    done.push(name)
  }
  return { seed, bytes, by: done.join(', ') }
}
