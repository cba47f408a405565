/** The option of metrics that go by the score. */
export const SCORE = {
  kind: 'choice',
  default: 'probability',
  choices: ['probability', 'logit', 'explained'],
  description: 'whose score it is: the probability, the logit, or what the map explains',
} as const
