/** Arithmetic, elementwise and with broadcasting. Gradients are those of the usual derivatives; conventions are noted. */
import type { Builder } from '../../onnx/builder.js'
import { oneMinus } from '../arithmetic.js'
import { asMask } from '../masks.js'
import { atTies, defineRules, type Pullback, type RuleCall, type RuleEntry, unary } from '../rule.js'

/** An operator of two broadcast inputs. */
function binary(
  left: (call: RuleCall & { readonly in0: string; readonly in1: string }) => string,
  right: (call: RuleCall & { readonly in0: string; readonly in1: string }) => string,
): RuleEntry {
  return {
    broadcast: true,
    rule: (call) => {
      const c = { ...call, in0: call.x[0] ?? '', in1: call.x[1] ?? '' }
      return [() => left(c), () => right(c)]
    },
  }
}

/** `gy` times a factor that is made of the input. */
function times(factor: (b: Builder, x: string, y: string) => string): RuleEntry {
  return unary(({ b, gy, in0, out }) => b.op('Mul', [gy, factor(b, in0, out)]))
}

/** `gy` divided by something that is made of the input. */
function over(divisor: (b: Builder, x: string, y: string) => string): RuleEntry {
  return unary(({ b, gy, in0, out }) => b.op('Div', [gy, divisor(b, in0, out)]))
}

function square(b: Builder, x: string): string {
  return b.op('Mul', [x, x])
}

function onePlus(b: Builder, v: string): string {
  return b.op('Add', [v, b.scalar(1, v)])
}

/** The exponent in the type of the base; ONNX lets them differ. */
function exponent(b: Builder, p: string, base: string): string {
  const same = b.type(p) !== undefined && b.type(p) === b.type(base)
  return same ? p : b.op('CastLike', [p, base])
}

/**
 * Max and Min of any number of broadcast inputs: where several attain it, they share the gradient equally (as
 * torch.maximum does for two).
 */
const extreme: RuleEntry = {
  broadcast: true,
  rule: ({ b, x, y, gy }) => {
    const [out = ''] = y
    const masks = new Map<string, string>()
    const maskOf = (v: string): string => {
      const known = masks.get(v)
      if (known !== undefined) return known
      const made = asMask(b, b.op('Equal', [v, out]), out)
      masks.set(v, made)
      return made
    }
    const shared = (): string => {
      const sum = x.map(maskOf).reduce((a, m) => b.op('Add', [a, m]))
      return b.op('Div', [gy, sum])
    }
    return x.map(
      (v): Pullback =>
        () =>
          x.length === 1 ? gy : b.op('Mul', [shared(), maskOf(v)]),
    )
  },
}

export const elementwise = defineRules({
  // y = a + b
  Add: binary(
    ({ gy }) => gy,
    ({ gy }) => gy,
  ),
  // y = a - b
  Sub: binary(
    ({ gy }) => gy,
    ({ b, gy }) => b.op('Neg', [gy]),
  ),
  // y = a b
  Mul: binary(
    ({ b, gy, in1 }) => b.op('Mul', [gy, in1]),
    ({ b, gy, in0 }) => b.op('Mul', [gy, in0]),
  ),
  // y = a / b: 1/b and -a/b^2
  Div: binary(
    ({ b, gy, in1 }) => b.op('Div', [gy, in1]),
    ({ b, gy, in1, y }) => b.op('Neg', [b.op('Mul', [gy, b.op('Div', [y[0] ?? '', in1])])]),
  ),
  // y = a^p: p a^(p-1), and a^p ln a
  Pow: atTies(
    'the exponent gets 0 where the base is 0 or less (PyTorch: NaN below 0)',
    binary(
      ({ b, gy, in0, in1 }) => {
        const p = exponent(b, in1, in0)
        const known = b.graph.constant(in1)
        if (known?.data.length === 1 && Number(known.data[0]) === 2)
          return b.op('Mul', [gy, b.op('Mul', [in0, b.scalar(2, in0)])])
        const power = b.op('Pow', [in0, b.op('Sub', [p, b.scalar(1, in0)])])
        return b.op('Mul', [gy, b.op('Mul', [p, power])])
      },
      ({ b, gy, in0, y }) => {
        const positive = b.op('Greater', [in0, b.scalar(0, in0)])
        const log = b.op('Log', [b.op('Where', [positive, in0, b.scalar(1, in0)])])
        return b.op('Mul', [gy, b.op('Mul', [y[0] ?? '', log])])
      },
    ),
  ),
  // y = a - b n, with n the whole number of times that b goes into a, towards zero (fmod = 1, the only form of real numbers)
  Mod: atTies(
    'the steps are taken as flat',
    binary(
      ({ gy }) => gy,
      ({ b, gy, in0, in1, y: [y = ''] }) =>
        b.op('Mul', [gy, b.op('Round', [b.op('Div', [b.op('Sub', [y, in0]), in1])])]),
    ),
  ),
  // y = c ? a : b
  Where: {
    broadcast: true,
    rule: ({ b, x: [condition = ''], gy }) => [
      undefined,
      () => b.op('Where', [condition, gy, b.scalar(0, gy)]),
      () => b.op('Where', [condition, b.scalar(0, gy), gy]),
    ],
  },
  Max: atTies('equals share the gradient equally, as torch.maximum', extreme),
  Min: atTies('equals share the gradient equally, as torch.minimum', extreme),
  // y = a + b + ...
  Sum: { broadcast: true, rule: ({ x, gy }) => x.map(() => () => gy) },
  // y = (a + b + ...) / n
  Mean: {
    broadcast: true,
    rule: ({ b, x, gy }) => x.map(() => () => b.op('Div', [gy, b.scalar(x.length, gy)])),
  },
  Neg: unary(({ b, gy }) => b.op('Neg', [gy])),
  // sign(x)
  Abs: atTies(
    '0 at 0',
    times((b, x) => b.op('Sign', [x])),
  ),
  // y = sqrt(x): 1 / 2y
  Sqrt: atTies(
    'infinite at 0',
    over((b, _x, y) => b.op('Mul', [y, b.scalar(2, y)])),
  ),
  Exp: times((_b, _x, y) => y),
  Log: over((_b, x) => x),
  // y = 1/x: -y^2
  Reciprocal: unary(({ b, gy, out }) => b.op('Neg', [b.op('Mul', [gy, square(b, out)])])),
  // 2/sqrt(pi) exp(-x^2)
  Erf: times((b, x) => b.op('Mul', [b.op('Exp', [b.op('Neg', [square(b, x)])]), b.scalar(2 / Math.sqrt(Math.PI), x)])),
  Sin: times((b, x) => b.op('Cos', [x])),
  Cos: times((b, x) => b.op('Neg', [b.op('Sin', [x])])),
  // 1 + tan^2
  Tan: times((b, _x, y) => onePlus(b, square(b, y))),
  Asin: over((b, x) => b.op('Sqrt', [oneMinus(b, square(b, x))])),
  Acos: over((b, x) => b.op('Neg', [b.op('Sqrt', [oneMinus(b, square(b, x))])])),
  Atan: over((b, x) => onePlus(b, square(b, x))),
  Sinh: times((b, x) => b.op('Cosh', [x])),
  Cosh: times((b, x) => b.op('Sinh', [x])),
  Asinh: over((b, x) => b.op('Sqrt', [onePlus(b, square(b, x))])),
  Acosh: over((b, x) => b.op('Sqrt', [b.op('Sub', [square(b, x), b.scalar(1, x)])])),
  Atanh: over((b, x) => oneMinus(b, square(b, x))),
})
