/**
 * Lists of tensors (`SequenceConstruct`, `SplitToSequence`, ...) and optional values, taken away where it is known which tensors are in them:
 * what reads a list reads its tensors instead. Positions that are computed from what is fed leave the operator as it is.
 */
import { type AttributeValue, attributes, intOf } from '../onnx/attributes.js'
import type { Builder } from '../onnx/builder.js'
import type { Node } from '../onnx/ir.js'
import { reads } from '../onnx/ir.js'
import { subgraph } from '../onnx/subgraphs.js'
import { splice } from './splice.js'

/** What becomes of each operator, for docs/operators.md. */
export const LISTS = {
  ConcatFromSequence: 'becomes Concat of what is in the sequence, where that is known',
  Optional: 'taken away',
  OptionalGetElement: 'becomes the element, where it is known',
  OptionalHasElement: 'becomes a constant, where it is known',
  SequenceAt: 'becomes the tensor, where the position is known',
  SequenceConstruct: 'taken away, where nothing reads the sequence itself',
  SequenceEmpty: 'taken away, where nothing reads the sequence itself',
  SequenceErase: 'taken away, where the position is known',
  SequenceInsert: 'taken away, where the position is known',
  SequenceLength: 'becomes a constant, where it is known',
  SequenceMap: 'its body is written out for each tensor, where these are known',
  SplitToSequence: 'becomes Split, where the number of parts is known',
} as const satisfies Readonly<Record<string, string>>

export function plain(
  op: string,
  inputs: readonly string[],
  output: string,
  values: Readonly<Record<string, AttributeValue>> = {},
): Node {
  return { op, domain: '', name: output, inputs, outputs: [output], attributes: attributes(values) }
}

export class Sequences {
  /** The tensors of a list, by its name. */
  readonly #lists = new Map<string, readonly string[]>()
  /** What is in an optional value, by its name; '' for nothing. */
  readonly #optional = new Map<string, string>()
  readonly #b: Builder
  readonly #number: (value: string) => number | undefined
  readonly #take: (node: Node) => void

  /** `number`: a known scalar. `take`: takes a node that stands for another. */
  constructor(b: Builder, number: (value: string) => number | undefined, take: (node: Node) => void) {
    this.#b = b
    this.#number = number
    this.#take = take
  }

  static concerns(this: void, node: Node): boolean {
    return node.domain === '' && Object.hasOwn(LISTS, node.op)
  }

  /** True where other nodes stand for this one now; false where it is to be kept, for whoever may read the list itself. */
  rewrite(node: Node): boolean {
    const [x = '', second = '', third = ''] = node.inputs
    const [y = ''] = node.outputs
    const list = this.#lists.get(x)
    const put = (made: readonly string[] | undefined): false => {
      if (made) this.#lists.set(y, made)
      return false
    }
    const stand = (nodes: Node | undefined): boolean => {
      if (nodes) this.#take(nodes)
      return nodes !== undefined
    }
    switch (node.op) {
      case 'Identity':
        if (this.#optional.has(x)) this.#optional.set(y, this.#optional.get(x) ?? '')
        return put(list)
      case 'SequenceEmpty':
        return put([])
      case 'SequenceConstruct':
        return put(node.inputs)
      case 'SequenceInsert': {
        const at = third === '' ? list?.length : this.#place(third, list)
        return put(list && at !== undefined ? list.toSpliced(at, 0, second) : undefined)
      }
      case 'SequenceErase': {
        const at = second === '' ? -1 : this.#place(second, list)
        return put(list && at !== undefined ? list.toSpliced(at, 1) : undefined)
      }
      case 'SplitToSequence':
        return put(this.#split(node))
      case 'SequenceMap':
        return this.#map(node)
      case 'SequenceLength':
        return stand(list && this.#constant(y, list.length, 'int64'))
      case 'SequenceAt': {
        const at = this.#place(second, list)
        const found = at === undefined ? undefined : list?.[at]
        return stand(found === undefined ? undefined : plain('Identity', [found], y))
      }
      case 'ConcatFromSequence':
        return stand(list && list.length > 0 ? this.#concat(node, list) : undefined)
      case 'Optional':
        this.#optional.set(y, x)
        return put(list)
      case 'OptionalGetElement': {
        const element = this.#element(x)
        return stand(element ? plain('Identity', [element], y) : undefined)
      }
      case 'OptionalHasElement': {
        const element = x === '' ? '' : this.#element(x)
        return stand(element === undefined ? undefined : this.#constant(y, element === '' ? 0 : 1, 'bool'))
      }
      default:
        return false
    }
  }

  /** The nodes without those that make lists which nothing reads any more. */
  withoutUnread(nodes: readonly Node[]): readonly Node[] {
    const read = new Set(this.#b.graph.outputs.map((o) => o.name))
    const kept = [...nodes].reverse().filter((node) => {
      const isList = node.outputs.every((o) => this.#lists.has(o) || this.#optional.has(o))
      if (isList && !node.outputs.some((o) => read.has(o))) return false
      for (const name of reads(node)) read.add(name)
      return true
    })
    return kept.reverse()
  }

  /** What is in an optional value, '' for nothing; since opset 18 a tensor may stand for one that holds it. */
  #element(value: string): string | undefined {
    return this.#optional.get(value) ?? (this.#b.type(value) === undefined ? undefined : value)
  }

  /** A position counted from the start. */
  #place(value: string, list: readonly string[] | undefined): number | undefined {
    const at = this.#number(value)
    return at !== undefined && list && at < 0 ? at + list.length : at
  }

  #constant(name: string, value: number, type: 'int64' | 'bool'): Node {
    const stored =
      type === 'int64'
        ? this.#b.constant({ type, dims: [], data: BigInt64Array.of(BigInt(value)) })
        : this.#b.constant({ type, dims: [], data: Uint8Array.of(value) })
    return plain('Identity', [stored], name)
  }

  #concat(node: Node, list: readonly string[]): Node {
    const axis = intOf(node, 'axis', 0)
    const parts = intOf(node, 'new_axis', 0) === 0 ? list : list.map((v) => this.#unsqueezed(v, axis))
    return plain('Concat', parts, node.outputs[0] ?? '', { axis })
  }

  #unsqueezed(value: string, axis: number): string {
    const name = this.#b.fresh(`${value}/part`)
    this.#take(plain('Unsqueeze', [value, this.#b.int64s([axis])], name))
    return name
  }

  /** The parts of a tensor that is split, where it is known how many there are. */
  #split(node: Node): readonly string[] | undefined {
    const [x = '', sizes = ''] = node.inputs
    const axis = intOf(node, 'axis', 0)
    const dims = this.#b.dims(x)
    const extent = dims?.[axis < 0 ? axis + dims.length : axis]
    const list = sizes === '' ? undefined : this.#b.stored(sizes)
    const given = list?.dims.length === 1 ? Array.from(list.data as Iterable<number | bigint>, Number) : undefined
    const size = sizes === '' ? 1 : this.#number(sizes)
    const equal =
      typeof extent === 'number' && size
        ? Array.from({ length: Math.ceil(extent / size) }, (_, i) => Math.min(size, extent - i * size))
        : undefined
    const lengths = given ?? equal
    if (!lengths) return undefined
    const parts = lengths.map((_, i) => this.#b.fresh(`${node.outputs[0]}/part${i}`))
    const [first = ''] = parts
    this.#take({ ...plain('Split', [x, this.#b.int64s(lengths)], first, { axis }), outputs: parts })
    if (sizes !== '' || intOf(node, 'keepdims', 1) === 1) return parts
    return parts.map((part) => {
      const name = this.#b.fresh(`${part}/squeezed`)
      this.#take(plain('Squeeze', [part, this.#b.int64s([axis])], name))
      return name
    })
  }

  /** The body once for each tensor of the first list, given the same place of other lists, and tensors as they are. */
  #map(node: Node): boolean {
    const body = subgraph(this.#b.graph, node, 'body')
    const count = this.#lists.get(node.inputs[0] ?? '')?.length
    if (!body || count === undefined) return false
    const made = node.outputs.map((): string[] => [])
    for (let i = 0; i < count; i++) {
      const given = node.inputs.map((input) => this.#lists.get(input)?.[i] ?? input)
      const wanted = made.map((list, j) => {
        const name = this.#b.fresh(`${node.outputs[j] || node.op}/${i}`)
        list.push(name)
        return name
      })
      splice(this.#b, body, given, wanted, this.#take)
    }
    for (const [j, output] of node.outputs.entries()) if (output !== '') this.#lists.set(output, made[j] ?? [])
    return false
  }
}
