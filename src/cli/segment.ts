/** `onnxplain segment PICTURE`: the classes that a segmentation network sees, and a map for each. */
import type { Command } from 'commander'
import type { SeenClass } from '../explain/index.js'
import { addPartsOptions, type PartsOptions, runParts } from './parts.js'

export function segmentCommand(program: Command): void {
  const command = program
    .command('segment')
    .description('lists the classes that a segmentation network sees, and draws what each rests on')
  addPartsOptions(command, 'classes')
  command.action(async (pictures: readonly string[], options: PartsOptions) =>
    runParts<SeenClass, PartsOptions>(command, pictures, options, {
      find: (model, image, _, inputs) => model.segment(image, { inputs }),
      target: ({ index }) => `region:${index}`,
      row: ({ index, label, share }) => [String(index), label, `${(100 * share).toFixed(1)} %`],
      none: 'no class is seen anywhere',
    }),
  )
}
