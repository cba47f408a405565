import { type AttributeValue, float } from '../../../src/onnx/attributes.js'
import { NEWEST_OPSET } from '../../support/model.js'
import { defineSamples, fed, fixed, type Input, normal, type Sample, stored, typed } from '../sample.js'

/** Steps, sequences, features, hidden size. */
const [T, N, I, H] = [3, 2, 2, 2]

interface Wanted {
  readonly attributes?: Readonly<Record<string, AttributeValue>>
  readonly directions?: 1 | 2
  readonly bias?: false
  readonly lengths?: readonly number[]
  readonly initial?: true
  readonly peepholes?: true
  readonly of?: readonly number[]
  readonly opsets?: readonly number[]
  /** Second derivatives are checked too: those of many weights take seconds. */
  readonly twice?: true
  /** Only the sequence is differentiated. */
  readonly weightsFixed?: true
}

const strings = (...names: readonly string[]): AttributeValue => ({ strings: names })

/** Inputs of a recurrent operator with so many gates; absent ones at the end are left out. */
function inputsOf(gates: number, wanted: Wanted, isLstm: boolean): readonly Input[] {
  const D = wanted.directions ?? 1
  const options = { scale: 0.7 }
  const weight = (dims: readonly number[]) =>
    wanted.weightsFixed ? stored(fixed(normal(dims, options))) : normal(dims, options)
  const all: Input[] = [
    normal([T, N, I], options),
    weight([D, gates * H, I]),
    weight([D, gates * H, H]),
    wanted.bias === false ? undefined : weight([D, 2 * gates * H]),
    wanted.lengths && fed(typed('int32', [N], wanted.lengths)),
    wanted.initial && normal([D, N, H], options),
    ...(isLstm ? [wanted.initial && normal([D, N, H], options), wanted.peepholes && weight([D, 3 * H])] : []),
  ]
  return all.slice(0, all.findLastIndex((i) => i !== undefined) + 1)
}

function sampleOf(name: string, gates: number, outputs: number, wanted: Wanted = {}): Sample {
  const direction = wanted.directions === 2 ? { direction: 'bidirectional' } : {}
  return {
    name,
    outputs,
    attributes: { hidden_size: H, ...direction, ...wanted.attributes },
    inputs: inputsOf(gates, wanted, outputs === 3),
    ...(wanted.of ? { of: wanted.of } : {}),
    opsets: wanted.opsets ?? [18],
    ...(wanted.twice ? {} : { twice: false }),
  }
}

const EVERY_OPSET = [18, 7, 11, 14, NEWEST_OPSET]
const reverse = { direction: 'reverse' }

const lstm = (name: string, wanted?: Wanted): Sample => sampleOf(name, 4, 3, wanted)
const gru = (name: string, wanted?: Wanted): Sample => sampleOf(name, 3, 2, wanted)
const rnn = (name: string, wanted?: Wanted): Sample => sampleOf(name, 1, 2, wanted)
const afterReset = { linear_before_reset: 1 }

export const recurrent = defineSamples({
  LSTM: [
    lstm('forward', { twice: true, opsets: EVERY_OPSET }),
    lstm('all-outputs', { twice: true, initial: true, of: [0, 1, 2] }),
    lstm('reverse', { attributes: reverse, initial: true, of: [0, 1, 2] }),
    lstm('bidirectional', { directions: 2, initial: true, of: [0, 1, 2] }),
    lstm('last-cell-only', { bias: false, of: [2] }),
    lstm('peepholes', { peepholes: true, initial: true, of: [0, 2] }),
    lstm('lengths', { lengths: [1, 3], initial: true, of: [0, 1, 2] }),
    lstm('lengths-bidirectional', { directions: 2, lengths: [3, 2], of: [0, 1, 2] }),
    lstm('clip', { attributes: { clip: float(0.5) }, of: [0, 1, 2] }),
    lstm('input-forget', { attributes: { input_forget: 1 }, peepholes: true }),
    lstm('activations', {
      attributes: {
        activations: strings('HardSigmoid', 'Elu', 'Softsign'),
        activation_alpha: float([0.3, 0.7]),
        activation_beta: float([0.4]),
      },
      of: [0, 1, 2],
    }),
    lstm('fixed-weights', { twice: true, weightsFixed: true, opsets: EVERY_OPSET }),
  ],
  GRU: [
    gru('forward', { twice: true, opsets: EVERY_OPSET }),
    gru('all-outputs', { initial: true, of: [0, 1] }),
    gru('linear-before-reset', { twice: true, attributes: afterReset, initial: true, of: [0, 1], opsets: EVERY_OPSET }),
    gru('linear-before-reset-no-bias', { attributes: afterReset, bias: false }),
    gru('reverse', { attributes: { ...reverse, ...afterReset }, initial: true, of: [0, 1] }),
    gru('bidirectional', { directions: 2, attributes: afterReset, initial: true, of: [0, 1] }),
    gru('lengths', { twice: true, directions: 2, attributes: afterReset, lengths: [1, 3], of: [0, 1] }),
    gru('clip', { attributes: { clip: float(0.5) }, of: [0, 1] }),
    gru('activations', {
      directions: 2,
      attributes: {
        activations: strings('Sigmoid', 'Elu', 'HardSigmoid', 'ScaledTanh'),
        activation_alpha: float([0.2, 0.3, 1.5]),
        activation_beta: float([0.45, 0.8]),
      },
    }),
    gru('fixed-weights', { weightsFixed: true, attributes: afterReset }),
  ],
  RNN: [
    rnn('forward', { twice: true, opsets: EVERY_OPSET }),
    rnn('bidirectional', { twice: true, directions: 2, initial: true, of: [0, 1] }),
    rnn('reverse', { attributes: reverse, bias: false, of: [1] }),
    rnn('lengths', { lengths: [2, 1], initial: true, of: [0, 1] }),
    rnn('relu', { attributes: { activations: strings('Relu') }, of: [0, 1] }),
    rnn('softplus', { attributes: { activations: strings('Softplus') } }),
    rnn('affine', {
      attributes: { activations: strings('Affine'), activation_alpha: float([0.6]), activation_beta: float([0.1]) },
    }),
    rnn('thresholded-relu', {
      attributes: { activations: strings('ThresholdedRelu'), activation_alpha: float([0.2]) },
    }),
    rnn('clip', { attributes: { clip: float(0.4) }, of: [0, 1] }),
  ],
})
