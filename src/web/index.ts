/**
 * onnxplain in the browser: pictures, files and ONNX Runtime on a page. The model runs in a worker.
 *
 * @module onnxplain/web
 */
export { type ErrorCode, ExplainError } from '../core/errors.js'
export type { Tensor } from '../core/tensor.js'
export type * from '../explain/index.js'
export { parseNumbers } from '../explain/numbers-text.js'
export { givenTensor } from '../explain/others.js'
export { figureOf } from '../figures/index.js'
export * from '../image/index.js'
export type { MethodInfo, MethodOption } from '../methods/method.js'
export { encodeNpy } from '../onnx/npy.js'
export * from '../render/index.js'
export * from '../snippets/index.js'
export { canvasOf, drawFigure, type FigureFile, type FigureType } from './draw.js'
export { download, type WebExplanation, type WebExplanationSet, WebModel } from './model.js'
export { type OpenOptions, open } from './open.js'
export { type Drawable, type ImageSource, readImage } from './picture.js'
export type { LoadProgress } from './protocol.js'
export { droppedFiles, type ModelSource } from './source.js'
