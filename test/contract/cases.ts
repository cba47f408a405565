/** The questions. Node's answers, and those of every way to run in a browser, are held to each other and to PyTorch's maps. */
import type { ModelName, Question } from './question.js'

const golden = (method: string, file: string, relative: number): readonly Question[] =>
  Object.entries({ 'egyptian-cat': 285, espresso: 967 }).map(([name, target]) => ({
    name: `${method} of ${name} is PyTorch's`,
    model: 'shipped',
    call: 'explain',
    image: 'golden',
    options: { method, target },
    golden: { file: `${name}-${file}`, relative },
  }))

/** One backward pass of the shipped model, as PyTorch has it. */
export const GRAD_CAM: readonly Question[] = golden('grad-cam', 'gradcam-raw', 1e-3)

export const SHIPPED: readonly Question[] = [
  { name: 'what it is', model: 'shipped', call: 'about' },
  { name: 'what is in it', model: 'shipped', call: 'inspect' },
  { name: 'five answers', model: 'shipped', call: 'classify', image: 'photo' },
  { name: 'three answers', model: 'shipped', call: 'classify', image: 'photo', options: { top: 3 } },
  { name: 'answers about a tensor', model: 'shipped', call: 'classify', image: 'golden' },
  { name: 'an explanation without options', model: 'shipped', call: 'explain', image: 'photo' },
  { name: 'a class by its label', model: 'shipped', call: 'explain', image: 'photo', options: { target: 'espresso' } },
  { name: 'a class by its index', model: 'shipped', call: 'explain', image: 'photo', options: { target: 967 } },
  {
    name: 'a probability',
    model: 'shipped',
    call: 'explain',
    image: 'photo',
    options: { target: 'espresso', score: 'probability' },
  },
  {
    name: 'methods by targets, one of which has its own way',
    model: 'shipped',
    call: 'explain',
    image: 'photo',
    options: { method: ['grad-cam', 'gradient', 'cam'], target: ['espresso', 285] },
  },
  {
    name: 'several layers, of which one does not suit a method',
    model: 'shipped',
    call: 'explain',
    image: 'photo',
    options: { method: ['grad-cam', 'cam'], layer: ['relu6_1.Clip', 'blocks.3.relu6_1.Clip'] },
  },
  {
    name: 'occlusion',
    model: 'shipped',
    call: 'explain',
    image: 'golden',
    options: { method: 'occlusion', target: 285, options: { patch: 64, stride: 80 } },
  },
  { name: 'channels', model: 'shipped', call: 'channels', image: 'photo' },
  {
    name: 'channels of a class',
    model: 'shipped',
    call: 'channels',
    image: 'photo',
    options: { target: 'espresso', top: 3 },
  },
  {
    name: 'another preprocessing',
    model: 'shipped',
    call: 'explain',
    image: 'photo',
    adjusted: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  },
  {
    name: 'another preprocessing as a whole',
    model: 'shipped',
    call: 'classify',
    image: 'photo',
    preprocessing: { channels: 'BGR' },
  },
  { name: 'a file with its map', model: 'shipped', call: 'compile' },
  {
    name: 'a file with several maps',
    model: 'shipped',
    call: 'compile',
    options: { method: ['cam', 'gradient'], relu: true, upsample: true, normalize: true },
  },
  ...GRAD_CAM,
  ...golden('cam', 'cam-raw', 1e-3),
  ...golden('gradient', 'gradient', 1e-2),
  ...golden('guided-backpropagation', 'guided', 2e-2),
]

/** What cannot be asked: an error with the same code and words everywhere. */
export const REFUSED: readonly Question[] = [
  { name: 'a label that is not there', options: { target: 'expresso' }, error: 'unknown-label' } as const,
  { name: 'an index that is not there', options: { target: 1000 }, error: 'unknown-label' } as const,
  { name: 'a method that is not there', options: { method: 'grad-camp' }, error: 'unknown-method' } as const,
  { name: 'a layer that is not there', options: { layer: 'relu6_9.Clip' }, error: 'unknown-layer' } as const,
  { name: 'an input that is not there', options: { wrt: 'mask', method: 'gradient' }, error: 'unknown-value' } as const,
  {
    name: 'an option out of bounds',
    options: { method: 'occlusion', options: { patch: 0 } },
    error: 'bad-option',
  } as const,
  { name: 'an option that is not there', options: { options: { size: 3 } }, error: 'bad-option' } as const,
].map((asked) => ({ ...asked, model: 'shipped', call: 'explain', image: 'photo' }) as const)

const NETWORKS: readonly ModelName[] = [
  'resnet',
  'vit',
  'convnext',
  'efficientnet',
  'densenet',
  'byobnet',
  'shufflenet',
]

/** Small networks of every kind. */
export const SMALL: readonly Question[] = [
  // all in one run, which is long where the processor does a graphics card's work
  ...NETWORKS.map(
    (model): Question => ({
      name: model,
      model,
      call: 'explain',
      image: 'small',
      options: { method: ['grad-cam', 'gradient', 'guided-backpropagation'], target: 1 },
    }),
  ),
  {
    name: 'many gradients and masks, of the same random numbers',
    model: 'pooled',
    call: 'explain',
    image: 'tiny',
    options: {
      method: ['integrated-gradients', 'gradient-shap', 'smooth-grad', 'var-grad', 'rise'],
      target: 1,
      options: { steps: 3, samples: 3, masks: 12, seed: 4 },
    },
  },
  ...['grad-cam', 'gradient'].map(
    (method): Question => ({
      name: `max-pools that overlap, ${method}`,
      model: 'pooled',
      call: 'explain',
      image: 'tiny',
      options: { method, target: 1, ...(method === 'grad-cam' ? { layer: 'r1' } : {}) },
    }),
  ),
  { name: 'max-pools that overlap, a file', model: 'pooled', call: 'compile', options: { method: 'gradient' } },
  { name: 'two inputs', model: 'two-inputs', call: 'about' },
  {
    name: 'two inputs, of which one is not given',
    model: 'two-inputs',
    call: 'explain',
    image: 'tiny',
    error: 'missing-input',
  },
  {
    name: 'two inputs, both explained',
    model: 'two-inputs',
    call: 'explain',
    image: 'tiny',
    options: {
      method: 'gradient',
      target: 2,
      wrt: 'all',
      inputs: { hints: [0.5, -1, 2, 0.25] },
    },
  },
]
