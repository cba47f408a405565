/** A TypeScript program for Node that runs a compiled model with onnxruntime-node, pictures prepared by onnxplain. */
import type { DataType } from '../core/tensor.js'
import type { PreprocessSpec } from '../image/index.js'
import { comment, type SnippetInput, type SnippetSubject } from './subject.js'

/** The program: it saves the raw map as `heatmap.npy`. */
export function typescriptSnippet(subject: SnippetSubject): string {
  const { file, method, picture, input, others, preprocessing, target, scores } = subject
  const count = input.batch ?? 1
  const pixels = input.type === 'float32' ? 'pixels' : `${ARRAYS[input.type]}.from(pixels)`
  const lines = [
    `// ${comment(method)} of "${comment(target.label)}" in Node: npm install onnxplain onnxruntime-node sharp`,
    "import { writeFile } from 'node:fs/promises'",
    "import { type PreprocessSpec, preprocess } from 'onnxplain'",
    "import { encodeNpy } from 'onnxplain/node'",
    "import { InferenceSession, Tensor } from 'onnxruntime-node'",
    "import sharp from 'sharp'",
    '',
    `const MODEL = ${quoted(file)}`,
    `const PICTURE = process.argv[2] ?? ${quoted(picture)}`,
    `const CLASS = ${target.index}n // ${comment(target.label)}; -1n for the best answer`,
    `const PREPROCESSING: PreprocessSpec = ${specOf(preprocessing)}`,
    '',
    "const sheet = sharp(PICTURE).rotate().toColourspace('srgb').ensureAlpha().raw()",
    'const { data, info } = await sheet.toBuffer({ resolveWithObject: true })',
    'const prepared = preprocess({ width: info.width, height: info.height, data }, PREPROCESSING)',
    ...pixelLines(count),
    '',
    'const session = await InferenceSession.create(MODEL)',
    "const target = session.inputNames.at(-1) ?? 'target'",
    "const heatmap = session.outputNames.at(-1) ?? 'heatmap'",
    'const results = await session.run({',
    `  ${quoted(input.name)}: new Tensor('${input.type}', ${pixels}, [${count}, ...prepared.dims]),`,
    ...others.map((other) => `  ${quoted(other.name)}: ${tensorOf(other)},`),
    `  [target]: new Tensor('int64', new BigInt64Array(${count}).fill(CLASS), [${count}]),`,
    '})',
    '',
    `const scores = Array.from(results[${quoted(scores)}]?.data as ArrayLike<number>, Number)`,
    'const best = [...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0)).slice(0, 5)',
    "console.log('best answers:', best.map((i) => [i, scores[i]]))",
    'const map = results[heatmap]',
    "if (!map) throw new Error('The model gave no heat map')",
    'const dims = map.dims.slice(1)',
    'const size = dims.reduce((a, b) => a * b, 1)',
    "await writeFile('heatmap.npy', encodeNpy({ type: 'float32', dims, data: (map.data as Float32Array).slice(0, size) }))",
    "console.log('heat map:', dims.join(' x '))",
    '',
  ]
  return lines.join('\n')
}

function pixelLines(count: number): readonly string[] {
  if (count === 1) return ['const pixels = prepared.data']
  return [
    '// the model takes a fixed number of pictures: this one, repeated',
    `const pixels = new Float32Array(${count} * prepared.data.length)`,
    `for (let i = 0; i < ${count}; i++) pixels.set(prepared.data, i * prepared.data.length)`,
  ]
}

/** Float16Array is in Node 24 and later. */
const ARRAYS: Readonly<Record<DataType, string>> = {
  float32: 'Float32Array',
  float64: 'Float64Array',
  float16: 'Float16Array',
  bfloat16: 'Float32Array',
  int8: 'Int8Array',
  uint8: 'Uint8Array',
  int16: 'Int16Array',
  uint16: 'Uint16Array',
  int32: 'Int32Array',
  uint32: 'Uint32Array',
  int64: 'BigInt64Array',
  uint64: 'BigUint64Array',
  bool: 'Uint8Array',
}

function tensorOf({ type, dims, values }: SnippetInput): string {
  const wide = type === 'int64' || type === 'uint64'
  const list = values.map((v) => (wide ? `${v}n` : String(v))).join(', ')
  return `new Tensor('${type}', ${ARRAYS[type]}.of(${list}), [${dims.join(', ')}])`
}

/** The specification as a literal; what is undefined is said, since the type wants it. */
function specOf(spec: PreprocessSpec): string {
  const { resize, filter, crop, pad, rescale, mean, std, channels, layout, source } = spec
  const parts = { resize, filter, crop, ...(pad ? { pad } : {}), rescale, mean, std, channels, layout, source }
  const lines = Object.entries(parts).map(([name, value]) => `  ${name}: ${literal(value)},`)
  return ['{', ...lines, '}'].join('\n')
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const entries = Object.entries(value).filter(([, v]) => v !== undefined)
  return `{ ${entries.map(([k, v]) => `${k}: ${literal(v)}`).join(', ')} }`
}

function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}
