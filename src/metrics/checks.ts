/** What `check` looks at: which metric, from which value on it is fine, and what it means. The thresholds are ours, and said in each sentence. */
import type { Explanation, GivenOptions } from '../explain/index.js'

/** `fine`: as it should be; `unclear`: neither; `suspicious`: as it should not be; `not-asked`: would cost too many passes, or does not apply. */
export type Verdict = 'fine' | 'unclear' | 'suspicious' | 'not-asked'

export interface Finding {
  readonly verdict: Exclude<Verdict, 'not-asked'>
  readonly says: string
}

export interface CheckDefinition {
  readonly id: string
  /** A metric's id. */
  readonly metric: string
  /** The metric's options for this map. */
  readonly options: (explanation: Explanation) => GivenOptions
  /** True where the same is asked of a random map, to compare with. */
  readonly againstRandom: boolean
  readonly question: string
  readonly suspicious: string
  /** @param random the value of a random map; 0 where none is asked. */
  readonly judge: (value: number, random: number) => Finding
}

/** Steps of deletion and insertion. */
const STEPS = 10

/** Places that change at a time, so that there are ten steps. */
function tenSteps({ data }: Explanation): GivenOptions {
  const { model } = data.lifting.geometry
  return { step: Math.ceil((model.width * model.height * data.lifting.depth) / STEPS) }
}

const rounded = (value: number): string => value.toFixed(Math.abs(value) < 0.1 ? 3 : 2)

/** The verdict of a number that is to be at least `fine`, and is suspicious below `suspicious`. */
function atLeast(value: number, fine: number, suspicious: number): Finding['verdict'] {
  return value >= fine ? 'fine' : value < suspicious ? 'suspicious' : 'unclear'
}

export const CHECKS: readonly CheckDefinition[] = [
  {
    id: 'deletion',
    metric: 'deletion',
    options: tenSteps,
    againstRandom: true,
    question: 'Does the probability fall when the places that the map calls important are covered first?',
    suspicious: 'An area that is not smaller than that of a random map: the map does not know which places matter.',
    judge: (value, random) => {
      const gain = random > 0 ? 1 - value / random : 0
      return {
        verdict: atLeast(gain, 0.1, 0),
        says: `The area under the probability while places are covered is ${rounded(value)}, of a random map ${rounded(random)} (smaller is better; fine from 10 % less).`,
      }
    },
  },
  {
    id: 'insertion',
    metric: 'insertion',
    options: tenSteps,
    againstRandom: true,
    question: 'Does the probability come back when these places are shown first in a blurred picture?',
    suspicious: 'An area that is not larger than that of a random map.',
    judge: (value, random) => {
      const gain = random > 0 ? value / random - 1 : value > 0 ? 1 : 0
      return {
        verdict: atLeast(gain, 0.1, 0),
        says: `The area under the probability while places are shown is ${rounded(value)}, of a random map ${rounded(random)} (larger is better; fine from 10 % more).`,
      }
    },
  },
  {
    id: 'class-sensitivity',
    metric: 'class-sensitivity',
    options: () => ({}),
    againstRandom: false,
    question: 'Is the map about this class, or the same for every class?',
    suspicious:
      'A correlation near 1 with the map of the least likely class: the map shows what is in the picture, not why it is this class.',
    judge: (value) => ({
      verdict: atLeast(-value, -0.6, -0.9),
      says: `Its correlation with the map of the least likely class is ${rounded(value)} (fine up to 0.6, suspicious from 0.9).`,
    }),
  },
  {
    id: 'model-randomisation',
    metric: 'model-randomisation',
    options: () => ({ layers: 1, values: 'signed' }),
    againstRandom: false,
    question: 'Does the map depend on what the network has learnt?',
    suspicious:
      'A rank correlation near 1 with the map of a network whose last weights are shuffled: an edge detector would do as well.',
    judge: (value) => ({
      verdict: atLeast(-value, -0.5, -0.8),
      says: `Its rank correlation with the map after the last layer's weights are shuffled is ${rounded(value)} (fine up to 0.5, suspicious from 0.8).`,
    }),
  },
  {
    id: 'max-sensitivity',
    metric: 'max-sensitivity',
    options: () => ({ samples: 3 }),
    againstRandom: false,
    question: 'Does the map stay when the picture changes so little that no one sees it?',
    suspicious: 'A change as large as the map itself: what it shows is noise.',
    judge: (value) => ({
      verdict: atLeast(-value, -0.5, -1),
      says: `Under noise of 2 % it changes by ${Math.round(100 * value)} % of itself (fine up to 50 %, suspicious from 100 %).`,
    }),
  },
  {
    id: 'sparseness',
    metric: 'sparseness',
    options: () => ({}),
    againstRandom: false,
    question: 'Does the map point somewhere, or everywhere?',
    suspicious: 'A Gini index near 0: all places are alike, and the map says nothing.',
    judge: (value) => ({
      verdict: atLeast(value, 0.25, 0.05),
      says: `The Gini index of its places is ${rounded(value)} (0 where all are alike, 1 where one has all; fine from 0.25, suspicious below 0.05).`,
    }),
  },
]
