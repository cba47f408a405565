/** What can be taken away: the picture with its map, the raw map, the compiled model, and programs that run it. */
import {
  type DrawOptions,
  download,
  encodeNpy,
  givenTensor,
  type MethodInfo,
  type Numbers,
  type SnippetInput,
  type SnippetSubject,
  type WebExplanation,
  type WebModel,
} from 'onnxplain/web'
import { possible } from './drawing.js'
import { type MapKey, settingsOf } from './maps.js'
import type { Look, Shown, Studio } from './studio.js'
import { givenTarget, type Wanted } from './wanted.js'

/** A whole map on the stage. */
export interface Taken extends Shown {
  readonly explanation: WebExplanation
}

export type PictureEnding = 'png' | 'svg' | 'jpg'

/** What is on the stage, where it can be taken; undefined while it is still being filled in. */
export function takenOf(shown: Shown | undefined): Taken | undefined {
  if (!shown || shown.partial || !('toBlob' in shown.explanation)) return undefined
  return { ...shown, explanation: shown.explanation }
}

/** Downloads the picture with its map, and tells the file's name. */
export async function savePicture({ explanation, subject }: Taken, look: Look, ending: PictureEnding): Promise<string> {
  const name = `${stem(subject)}.${explanation.method.id}.${plain(explanation.answer.label)}.${ending}`
  await explanation.save(name, drawn(explanation, look))
  return name
}

/** Puts the picture with its map on the clipboard. */
export async function copyPicture({ explanation }: Taken, look: Look): Promise<void> {
  if (typeof ClipboardItem === 'undefined' || !navigator.clipboard)
    throw new Error('This browser lets a page copy no pictures; save it instead')
  // given at once as a promise: browsers take it only in the event of a click
  const png = explanation.toBlob({ ...drawn(explanation, look), type: 'image/png' })
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })])
}

/** Downloads the raw signed map for NumPy. */
export function saveRaw({ explanation, subject }: Taken): string {
  const name = `${stem(subject)}.${explanation.method.id}.${plain(explanation.answer.label)}.npy`
  const bytes = encodeNpy(explanation.raw)
  download(new Blob([bytes.slice()], { type: 'application/octet-stream' }), name)
  return name
}

/** Downloads the model with the method's map inside, and tells the file's name and bytes. */
export async function saveCompiled(
  model: WebModel,
  method: MethodInfo,
  settings: Pick<MapKey, 'layer' | 'options'>,
  wanted: Wanted | undefined,
): Promise<{ readonly name: string; readonly bytes: number }> {
  const name = compiledName(model, method)
  const given = wanted === undefined ? undefined : givenTarget(wanted)
  // a class, a word's place and the like are inputs of what is compiled; which kind it is is not
  const target = typeof given === 'object' ? given.kind : typeof given === 'string' ? given : undefined
  const file = await model.compile({ ...settingsOf(method, settings), target })
  download(new Blob([file.slice()], { type: 'application/octet-stream' }), name)
  return { name, bytes: file.byteLength }
}

/** `resnet50.grad-cam.onnx` */
export function compiledName(model: WebModel, method: MethodInfo): string {
  const bare = model.name.replace(/ \(shipped\)$/, '').replace(/\.onnx$/i, '')
  return `${plain(bare)}.${method.id}.onnx`
}

/** What the programs run; undefined where the model takes no photos. */
export function snippetOf(studio: Studio, { explanation, subject }: Taken): SnippetSubject | undefined {
  const view = studio.view.value
  // a program for classes: what else a compiled model takes is told by its metadata
  if (!view?.preprocessing || view.answer.kind !== 'classes' || !/^(class|answer)$/.test(explanation.target.kind))
    return undefined
  const { input, others } = view
  const given = studio.inputs.value
  const batch = input.batch ?? 1
  return {
    file: compiledName(view, explanation.method),
    method: explanation.method.title,
    picture: subject.example ? `${subject.example}.jpg` : subject.name,
    input: { name: input.name, type: typeOf(view), batch: input.batch },
    others: others.flatMap((other): readonly SnippetInput[] => {
      const value = given[other.name]
      if (value === undefined || isTensor(value)) return []
      const { dims, data } = givenTensor(other, value, input)
      const rows = other.batch === 'row' && dims[0] === 1 ? batch : 1
      const values = flat(value)
      const repeated = Array.from({ length: rows }, () => values).flat()
      const type = data.length === values.length ? other.type : undefined
      return type ? [{ name: other.name, type, dims: [(dims[0] ?? 1) * rows, ...dims.slice(1)], values: repeated }] : []
    }),
    preprocessing: view.preprocessing,
    target: explanation.answer,
    scores: view.answer.output,
  }
}

function typeOf(view: WebModel): SnippetSubject['input']['type'] {
  const declared = view.inspect().inputs.find((i) => i.picture)?.type
  return (declared ?? 'float32') as SnippetSubject['input']['type']
}

function flat(value: Numbers): readonly (number | bigint)[] {
  if (typeof value === 'object') return value.flatMap(flat)
  return [typeof value === 'boolean' ? Number(value) : value]
}

function isTensor(value: object | Numbers): value is Exclude<typeof value, Numbers> {
  return typeof value === 'object' && !Array.isArray(value)
}

/** The look, as far as this map can have it. */
function drawn(explanation: WebExplanation, look: Look): DrawOptions {
  return possible(look, explanation)
}

function stem({ name, example }: Taken['subject']): string {
  return example ?? plain(name.replace(/\.\w+$/, ''))
}

/** A part of a file's name that every system takes. */
function plain(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}_.-]+/gu, '-').replaceAll(/^[-.]+|[-.]+$/g, '') || 'onnxplain'
}
