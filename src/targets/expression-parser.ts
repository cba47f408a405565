/** Arithmetic over named values, as text: `log(probs[3]) - 0.5 * max(logits)`. */
import { ExplainError } from '../core/errors.js'

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'value'; readonly name: string }
  | { readonly kind: 'element'; readonly of: Expression; readonly at: readonly number[] }
  | { readonly kind: 'call'; readonly name: FunctionName; readonly of: Expression }
  | { readonly kind: 'negative'; readonly of: Expression }
  | { readonly kind: 'binary'; readonly op: Operator; readonly left: Expression; readonly right: Expression }

export type Operator = '+' | '-' | '*' | '/'

/** What may be applied: to each element, along the last axis, or to a whole value, which becomes one number. */
export const FUNCTIONS = {
  abs: { node: 'Abs', over: 'elements' },
  exp: { node: 'Exp', over: 'elements' },
  log: { node: 'Log', over: 'elements' },
  relu: { node: 'Relu', over: 'elements' },
  sigmoid: { node: 'Sigmoid', over: 'elements' },
  sqrt: { node: 'Sqrt', over: 'elements' },
  tanh: { node: 'Tanh', over: 'elements' },
  softmax: { node: 'Softmax', over: 'last axis' },
  logsoftmax: { node: 'LogSoftmax', over: 'last axis' },
  max: { node: 'ReduceMax', over: 'value' },
  mean: { node: 'ReduceMean', over: 'value' },
  min: { node: 'ReduceMin', over: 'value' },
  norm: { node: 'ReduceL2', over: 'value' },
  sum: { node: 'ReduceSum', over: 'value' },
} as const

export type FunctionName = keyof typeof FUNCTIONS

/** Parentheses and calls within each other. */
const DEEPEST = 64

const TOKEN = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|"([^"]+)"|([A-Za-z_][\w./:]*)|([-+*/()[\],]))/y

interface Token {
  readonly kind: 'number' | 'name' | 'quoted' | 'sign'
  readonly text: string
  readonly at: number
}

/** Throws `bad-option` that says where it stops. */
export function parseExpression(text: string): Expression {
  return new Parser(text).all()
}

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokensOf(text)
  }

  all(): Expression {
    const whole = this.#sum()
    if (this.#next < this.#tokens.length) this.#fail('an operator')
    return whole
  }

  #sum(): Expression {
    let left = this.#product()
    for (let op = this.#sign('+', '-'); op; op = this.#sign('+', '-'))
      left = { kind: 'binary', op, left, right: this.#product() }
    return left
  }

  #product(): Expression {
    let left = this.#factor()
    for (let op = this.#sign('*', '/'); op; op = this.#sign('*', '/'))
      left = { kind: 'binary', op, left, right: this.#factor() }
    return left
  }

  #factor(): Expression {
    if (++this.#depth > DEEPEST) this.#fail('less nesting')
    const made = this.#sign('-') ? ({ kind: 'negative', of: this.#factor() } as const) : this.#indexed(this.#atom())
    this.#depth--
    return made
  }

  #atom(): Expression {
    const token = this.#tokens[this.#next]
    if (this.#sign('(')) return this.#closed(this.#sum(), ')')
    if (!token || token.kind === 'sign') this.#fail('a value or a number')
    this.#next++
    if (token.kind === 'number') return { kind: 'number', value: Number(token.text) }
    if (token.kind === 'name' && this.#sign('(')) {
      const name = (Object.keys(FUNCTIONS) as FunctionName[]).find((f) => f === token.text)
      if (!name) {
        this.#next -= 2
        this.#fail(`a function (${Object.keys(FUNCTIONS).join(', ')})`)
      }
      return { kind: 'call', name, of: this.#closed(this.#sum(), ')') }
    }
    return { kind: 'value', name: token.text }
  }

  #indexed(of: Expression): Expression {
    if (!this.#sign('[')) return of
    const at: number[] = []
    do {
      const token = this.#tokens[this.#next]
      if (token?.kind !== 'number' || !/^\d+$/.test(token.text)) this.#fail('a whole number')
      at.push(Number(token.text))
      this.#next++
    } while (this.#sign(','))
    return this.#closed({ kind: 'element', of, at }, ']')
  }

  #closed(inside: Expression, sign: ')' | ']'): Expression {
    if (!this.#sign(sign)) this.#fail(`"${sign}"`)
    return inside
  }

  /** The next token where it is one of these signs. */
  #sign<const S extends string>(...signs: readonly S[]): S | undefined {
    const token = this.#tokens[this.#next]
    const found = token?.kind === 'sign' ? signs.find((s) => s === token.text) : undefined
    if (found) this.#next++
    return found
  }

  #fail(wanted: string): never {
    const token = this.#tokens[this.#next]
    throw badExpression(
      this.#text,
      token ? `at "${token.text}" (character ${token.at + 1})` : 'at its end',
      `${wanted} is wanted there`,
    )
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match)
      throw badExpression(
        text,
        `at character ${at + 1}`,
        'there are numbers, names, quoted names, + - * / ( ) [ ] and ,',
      )
    const [whole, number, quoted, name, sign] = match
    const kind =
      number !== undefined ? 'number' : quoted !== undefined ? 'quoted' : name !== undefined ? 'name' : 'sign'
    tokens.push({ kind, text: number ?? quoted ?? name ?? sign ?? '', at })
    at += whole.length
  }
  return tokens
}

function badExpression(text: string, where: string, why: string): ExplainError {
  return new ExplainError('bad-option', {
    what: `The expression "${text}" cannot be read ${where}: ${why}`,
    where: 'target of kind expression',
    remedy:
      'For example logits[3] - logits[5], log(softmax(logits)[3]), or "a value/with signs"[0] in quotation marks.',
  })
}
