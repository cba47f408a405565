/**
 * onnxplain in Node: files, pictures, and ONNX Runtime.
 *
 * @module onnxplain/node
 */
export { ExplainError } from '../core/errors.js'
export type * from '../explain/index.js'
export type { Picture, PreprocessSpec } from '../image/index.js'
export { decodeNpy, decodeNpyArray, encodeNpy } from '../onnx/npy.js'
export { type ImageSource, methods, type NodeExplanation, NodeModel, type OpenOptions, open } from './open.js'
export { ortRuntime, type RuntimeOptions } from './ort.js'
