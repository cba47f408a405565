/** docs/methods.md, from the list of methods. */
import { FUSIONS, LIBRARIES } from '../../src/explain/index.js'
import { METHODS } from '../../src/methods/index.js'
import { agreementOf, costOf, referencesOf } from './agreement.js'
import { tableOf } from './table.js'

/** Pictures of scripts/all-methods.ts, and what is on them. */
const PICTURES = [
  ['methods-cam', 'CAM to Eigen-CAM'],
  ['methods-cam-2', 'Eigen-Grad-CAM to SS-CAM'],
  ['methods-cam-3', 'IS-CAM to Grad-CAM with guided weights'],
  ['methods-gradient', 'Guided Grad-CAM to Guided IG'],
  ['methods-gradient-2', 'XRAI to VarGrad'],
  ['methods-propagation', 'LRP to contrastive excitation backprop'],
  ['methods-perturbation', 'Occlusion to extremal perturbation'],
] as const

export function methodsPage(): string {
  return `# Methods

This page is made from \`src/methods\` by \`npm run docs\`.

${tableOf(
  [
    'id',
    'title',
    'family',
    'kind',
    'cost in runs',
    'time in forward passes',
    'what it shows',
    'source',
    'reference library',
    'agreement',
  ],
  METHODS.map((m) => [
    `\`${m.id}\``,
    m.title,
    m.family,
    m.kind,
    m.cost,
    costOf(m.id),
    m.summary,
    m.source,
    referencesOf(m.id),
    agreementOf(m.id),
  ]),
)}

*Compiled* methods write their map into the graph: one run gives answer and map, and \`onnxplain compile\` makes a file of it. *Driven* methods
are loops around runs.

## What they show

The shipped model on the shipped picture, Egyptian cat above, espresso below (\`npx tsx scripts/all-methods.ts\`; methods of many runs with fewer than by default: so SS-CAM with one
noisy copy, RISE with 1000 masks, extremal perturbation with 150 iterations). Methods of attention have nothing to say of a network of convolutions.

${PICTURES.map(([name, alt]) => `![${alt}](${name}.webp)`).join('\n\n')}

## Several layers, smoothing, other libraries

- \`--layer A --layer B\` gives a map for each; \`--fuse ${Object.keys(FUSIONS).join('|')}\` makes them one, on the pixels of the model's input: of each the positive part, scaled to 0..1 (mean: pytorch-grad-cam;
  max: torch-cam, LayerCAM; product: RefineCAM, arXiv 2605.14641).
- \`--smooth flip|augment|noise\` gives the mean of any method's raw maps of changed copies of the picture: its mirror image; both at 0.9, 1 and 1.1 times their values (\`aug_smooth\`); 25 noisy copies.
- \`--like LIBRARY\` gives what another library returns as Grad-CAM and its kin, to the letter:

${tableOf(
  ['preset', 'library', 'layer', 'what it does to the raw map'],
  LIBRARIES.map((l) => [
    `\`${l.id}\``,
    l.title,
    l.layer === 'last Conv' ? 'output of the last Conv' : 'last feature map',
    l.summary,
  ]),
)}

## How the columns were measured

*Agreement* is the least Pearson correlation of our raw map with the reference library's on the same weights and picture, over the maps that
\`test/methods/agreement\` lists: of the shipped model (224 x 224) and of small networks of random weights (96 x 96). Sign, scale and library defaults are said
there. For methods that draw random numbers the reference is the mean of several seeds.

*Time in forward passes* is the time of one map over that of one plain forward pass of the shipped model (of attention methods: of the small vision transformer), to two digits, of one machine: the shortest of three
for compiled methods; of the others, with their default options, as long as ten seconds tell. \`npx tsx scripts/agreement.ts\` measures both columns anew.

${METHODS.flatMap((m) =>
  Object.keys(m.options).length > 0
    ? [
        `## Options of \`${m.id}\`\n\n${tableOf(
          ['option', 'default', 'meaning'],
          Object.entries(m.options).map(([name, o]) => [
            `\`--${name}\``,
            'unit' in o
              ? `${o.default} ${o.unit}`.trim()
              : o.kind === 'switch'
                ? o.default === 1
                  ? 'on'
                  : 'off'
                : o.default,
            o.description,
          ]),
        )}\n`,
      ]
    : [],
).join('\n')}`
}
