/** Where a model's .onnx files lie in a folder in the Hugging Face layout: one, or an encoder of pictures and a decoder of words. */

/** The file that stands for the model, best first; an encoder for itself and its decoder. */
export const ENTRIES = ['model', 'encoder_model'].flatMap((name) => [`onnx/${name}.onnx`, `${name}.onnx`])

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
