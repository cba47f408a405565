/**
 * onnxplain in the browser: pictures, files and ONNX Runtime on a page. The model runs in a worker.
 *
 * @module onnxplain/web
 */
export { type ErrorCode, ExplainError } from '../core/errors.js'
export type { Tensor } from '../core/tensor.js'
export { distinctAnswers } from '../explain/distinct.js'
export type * from '../explain/index.js'
export { resultJson } from '../explain/result-json.js'
export { backgroundOf, figureColumns, figureFooter, figureOf, takenAt } from '../figures/index.js'
export * from '../image/index.js'
export type { MethodInfo, MethodOption } from '../methods/method.js'
// all of render but the reading of fonts, which is loaded with the first figure
export * from '../render/bar.js'
export * from '../render/colormaps.js'
export * from '../render/explained.js'
export * from '../render/figure.js'
export type { Font, TextPlace } from '../render/font.js'
export * from '../render/normalise.js'
export * from '../render/overlay.js'
export type { Pixels } from '../render/pixels.js'
export type * from '../render/scene.js'
export * from '../render/slices.js'
export * from '../render/svg.js'
export { canvasOf, drawFigure, type FigureFile, type FigureType, figureFonts } from './draw.js'
export { download, type WebExplanation, type WebExplanationSet, WebModel } from './model.js'
export { type OpenOptions, open } from './open.js'
export { type Drawable, type ImageSource, readImage } from './picture.js'
export type { LoadProgress } from './protocol.js'
export { droppedFiles, type ModelSource } from './source.js'
