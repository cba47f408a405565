/**
 * Where a model's .onnx files lie in a folder in the Hugging Face layout: one; an encoder of pictures and a decoder of words, which are joined; or
 * two towers, of pictures and of texts, which have nothing in common but the space of their embeddings.
 */

/** The file that stands for the model, best first; an encoder for itself and its decoder, a picture's tower for itself and the texts'. */
export const ENTRIES = ['model', 'encoder_model', 'vision_model'].flatMap((name) => [
  `onnx/${name}.onnx`,
  `${name}.onnx`,
])

/** The decoders that exporters write for an encoder, best first: the plain one needs least work. */
const DECODERS = ['decoder_model', 'decoder_model_merged', 'decoder_with_past_model']

/** `onnx/encoder_model_fp16.onnx`: its folder, its stem, and what sets it apart from other versions of the model. */
const NAME = /^(.*\/)?(encoder_model|decoder_model_merged|decoder_model|decoder_with_past_model)([._-][^/]*)?\.onnx$/

/** An encoder, and the decoders that it may go with, best first. */
export interface EncoderDecoder {
  readonly encoder: string
  readonly decoders: readonly string[]
}

/** The files of the model that one of its two files belongs to; undefined for a file of another name. */
export function encoderDecoder(path: string): EncoderDecoder | undefined {
  const [, folder = '', stem, version = ''] = NAME.exec(path) ?? []
  if (stem === undefined) return undefined
  const decoders = stem === 'encoder_model' ? DECODERS : [stem]
  const place = (name: string): string => `${folder}${name}${version}.onnx`
  return { encoder: place('encoder_model'), decoders: decoders.map(place) }
}

/** `onnx/vision_model_quantized.onnx` */
const TOWER = /^(.*\/)?(vision_model|text_model)([._-][^/]*)?\.onnx$/

/** The towers of the model that one of them belongs to; undefined for a file of another name. */
export function towers(path: string): { readonly vision: string; readonly text: string } | undefined {
  const [, folder = '', stem, version = ''] = TOWER.exec(path) ?? []
  if (stem === undefined) return undefined
  const place = (name: string): string => `${folder}${name}${version}.onnx`
  return { vision: place('vision_model'), text: place('text_model') }
}
