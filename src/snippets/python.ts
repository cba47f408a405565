/** A Python program that runs a compiled model with onnxruntime, numpy and Pillow alone. */
import type { DataType } from '../core/tensor.js'
import type { PreprocessSpec, ResizeRule } from '../image/index.js'
import { comment, type SnippetSubject } from './subject.js'

/** The program: pictures are made the input as onnxplain makes them, and the raw map is saved as `heatmap.npy`. */
export function pythonSnippet(subject: SnippetSubject): string {
  const { file, method, picture, input, others, preprocessing, target, scores } = subject
  const count = input.batch ?? 1
  const repeat = count > 1 ? `, ${count}, axis=0` : ''
  const lines = [
    `# ${comment(method)} of "${comment(target.label)}" by ONNX Runtime alone: pip install onnxruntime numpy pillow`,
    'import sys',
    '',
    'import numpy as np',
    'import onnxruntime as ort',
    'from PIL import Image, ImageOps',
    '',
    `MODEL = ${quoted(file)}`,
    `PICTURE = sys.argv[1] if len(sys.argv) > 1 else ${quoted(picture)}`,
    `CLASS = ${target.index}  # ${comment(target.label)}; -1 for the best answer`,
    '',
    `# preprocessing: ${comment(preprocessing.source)}`,
    'image = ImageOps.exif_transpose(Image.open(PICTURE)).convert("RGBA")',
    'white = Image.new("RGBA", image.size, "white")',
    `image = Image.alpha_composite(white, image).convert("${preprocessing.channels === 'L' ? 'L' : 'RGB'}")`,
    ...resizing(preprocessing.resize, preprocessing.filter),
    ...cropping(preprocessing),
    ...normalising(preprocessing),
    preprocessing.layout === 'NCHW' ? 'pixels = pixels.transpose(2, 0, 1)[None]' : 'pixels = pixels[None]',
    '',
    'session = ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"])',
    'target = session.get_inputs()[-1].name',
    'heatmap = session.get_outputs()[-1].name',
    'feed = {',
    `    ${quoted(input.name)}: ${repeat ? `np.repeat(pixels${repeat})` : 'pixels'}.astype(np.${NUMPY[input.type]}),`,
    ...others.map(
      ({ name, type, dims, values }) =>
        `    ${quoted(name)}: np.array([${values.join(', ')}], np.${NUMPY[type]}).reshape(${tuple(dims)}),`,
    ),
    `    target: np.full(${count}, CLASS, np.int64),`,
    '}',
    `scores, heatmap = session.run([${quoted(scores)}, heatmap], feed)`,
    '',
    'best = np.argsort(-scores[0])[:5]',
    'print("best answers:", {int(i): round(float(scores[0][i]), 2) for i in best})',
    'print("heat map:", heatmap[0].shape, "from", heatmap[0].min(), "to", heatmap[0].max())',
    'np.save("heatmap.npy", heatmap[0])',
    '',
  ]
  return lines.join('\n')
}

function resizing(rule: ResizeRule, filter: string): readonly string[] {
  const resize = (size: string): string => `image = image.resize(${size}, Image.Resampling.${filter.toUpperCase()})`
  const scaled = [
    'width, height = image.size',
    'short, long = sorted(image.size)',
    // the shorter edge belongs to the width where both are alike
    ...shorter(rule),
    resize('(short, long) if width <= height else (long, short)'),
  ]
  switch (rule.kind) {
    case 'none':
      return []
    case 'exact':
      return [resize(`(${rule.width}, ${rule.height})`)]
    case 'shortest-edge':
    case 'longest-edge':
      return scaled
    case 'cover':
      return [
        'width, height = image.size',
        `if ${rule.width} * height >= ${rule.height} * width:`,
        `    size = (${rule.width}, ${rule.width} * height // width)`,
        'else:',
        `    size = (${rule.height} * width // height, ${rule.height})`,
        resize('size'),
      ]
    case 'fit':
      return [
        `ratio = min(${rule.height} / image.height, ${rule.width} / image.width)`,
        resize('(max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))'),
      ]
  }
}

/** Sets `short` and `long` to the wanted lengths. */
function shorter(rule: ResizeRule): readonly string[] {
  if (rule.kind === 'longest-edge')
    return [`short, long = max(1, int(short * ${rule.size} / long + 0.5)), ${rule.size}`]
  if (rule.kind !== 'shortest-edge') return []
  const { size, limit, step } = rule
  const scaled =
    limit === undefined
      ? [`short, long = ${size}, max(1, int(${size} * long / short))`]
      : [
          `exact = ${limit} * short / long if long / short * ${size} > ${limit} else ${size}`,
          'shorter = max(1, round(exact))',
          'short, long = shorter, long if shorter == short else max(1, int(exact * long / short))',
        ]
  if (step === undefined) return scaled
  return [...scaled, `short, long = max(1, short - short % ${step}), max(1, long - long % ${step})`]
}

function cropping({ crop }: PreprocessSpec): readonly string[] {
  if (!crop) return []
  const { width, height } = crop
  return [
    `left, top = (image.width - ${width}) // 2, (image.height - ${height}) // 2`,
    `image = image.crop((left, top, left + ${width}, top + ${height}))`,
  ]
}

function normalising({ channels, rescale, mean, std, pad }: PreprocessSpec): readonly string[] {
  const order = { RGB: '', BGR: '[..., ::-1]', L: '[..., None]' }[channels]
  const lines = [
    `mean, std = np.array([${mean.join(', ')}]), np.array([${std.join(', ')}])`,
    `pixels = (np.asarray(image, np.float64)${order} * ${rescale} - mean) / std`,
  ]
  if (!pad) return lines
  const { width, height, at, fill } = pad
  return [
    ...lines,
    `canvas = np.empty((${height}, ${width}, ${mean.length}))`,
    fill === 'mean' ? 'canvas[:] = 0' : `canvas[:] = (${fill} * ${rescale} - mean) / std`,
    at === 'top-left'
      ? 'left, top = 0, 0'
      : `left, top = (${width} - image.width) // 2, (${height} - image.height) // 2`,
    'canvas[top : top + image.height, left : left + image.width] = pixels',
    'pixels = canvas',
  ]
}

const NUMPY: Readonly<Record<DataType, string>> = {
  float32: 'float32',
  float64: 'float64',
  float16: 'float16',
  bfloat16: 'float32',
  int8: 'int8',
  uint8: 'uint8',
  int16: 'int16',
  uint16: 'uint16',
  int32: 'int32',
  uint32: 'uint32',
  int64: 'int64',
  uint64: 'uint64',
  bool: 'bool_',
}

/** JSON's strings are Python's too. */
function quoted(text: string): string {
  return JSON.stringify(text)
}

function tuple(dims: readonly number[]): string {
  return dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(', ')})`
}
