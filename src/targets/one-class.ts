/** What targets of one class of a classifier have in common. */
import { scoreForm, scoreOfRow } from './class-scores.js'
import { checkedIndex, classIndex, labelOf, printedClass } from './labels.js'
import {
  type AnyTarget,
  BEST,
  int64Row,
  type Score,
  type Settling,
  scoreNamed,
  type TargetContext,
  type TargetParts,
} from './target.js'

/** One class. `index` -1 is the best answer. */
export interface OneClass extends AnyTarget {
  readonly index: number
  readonly score: Score
}

/** The best class in the place of {@link BEST}. */
export async function settledIndex(index: number, host: Settling): Promise<number> {
  if (index !== BEST) return index
  const [best = 0] = await host.ranked()
  return best
}

/** How a target of one class is written, checked, settled and read off logits. `form` is the kind whose plans it takes; default: its own. */
export function ofOneClass<K extends string>(kind: K, form: string = kind) {
  type T = OneClass & { readonly kind: K }
  return {
    kind,
    syntax: `${kind}:LABEL|INDEX`,
    answers: ['classes'],
    parse: (text: string, context: TargetContext): T => ({
      kind,
      index: classIndex(text, context),
      score: context.score ?? 'logit',
    }),
    check: ({ index, score }: Readonly<Record<string, unknown>>, context: TargetContext): T => ({
      kind,
      index: checkedIndex(index, context),
      score: scoreNamed(score, kind, context.score ?? 'logit'),
    }),
    print: ({ index }: T, { labels }: TargetContext) => printedClass(index, labels),
    describe: ({ index }: T, { labels }: TargetContext) => labelOf(index, labels),
    classOf: ({ index }: T) => index,
    settle: async (target: T, host: Settling): Promise<T> => ({
      ...target,
      index: await settledIndex(target.index, host),
    }),
    form: ({ score }: T) => scoreForm(form, score),
    formOf: (_: string, { score = 'logit' }: TargetContext) => scoreForm(form, score),
    rows: ({ index }: T) => ({ target: int64Row([], [index]) }),
    ofLogits: ({ index, score }, logits, answer) => scoreOfRow(logits, answer, index, score),
  } satisfies Partial<TargetParts<T>>
}
