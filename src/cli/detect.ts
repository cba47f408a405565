/** `onnxplain detect PICTURE`: the boxes that a detector finds, and a map for each. */
import type { Command } from 'commander'
import type { DetectedBox, DetectionOptions } from '../explain/index.js'
import { withBoxes } from '../figures/index.js'
import { positive } from './arguments.js'
import { addPartsOptions, type PartsOptions, runParts } from './parts.js'

interface Options extends PartsOptions {
  readonly threshold?: number
  readonly iou?: number
  readonly top?: number
}

export function detectCommand(program: Command): void {
  const command = program
    .command('detect')
    .description('lists the boxes that a detector finds, and draws what each rests on')
  addPartsOptions(command, 'boxes')
  command
    .option('--threshold <0..1>', 'boxes of lower scores are left out (default: 0.25)', Number)
    .option(
      '--iou <0..1>',
      'boxes that overlap a better one of their class by more are left out, where the model has not done so (default: 0.5)',
      Number,
    )
    .option('--top <n>', 'as many boxes at most (default: 20)', positive)
  const detection = ({ threshold, iou, top }: Options): DetectionOptions => ({ threshold, iou, top })
  command.action(async (pictures: readonly string[], options: Options) =>
    runParts<DetectedBox, Options>(command, pictures, options, {
      find: (model, image, asked, inputs) => model.detect(image, { inputs, ...detection(asked) }),
      target: (_, i) => `box:${i}`,
      asked: (asked) => ({ detection: detection(asked) }),
      row: ({ label, score, x0, y0, x1, y1 }, i) => [
        String(i),
        label,
        score.toFixed(3),
        [x0, y0, x1, y1].map((v) => Math.round(v)).join(' '),
      ],
      drawn: (figure, boxes, image) => withBoxes(figure, boxes, image),
      none: 'no boxes: lower the threshold of the scores, --threshold 0.05',
    }),
  )
}
