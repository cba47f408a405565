/** Pictures: pixels, resizing as Pillow does, preprocessing, and the way back from a map to the picture. */
export { adjustPreprocessing, FITS, type Fit, type PreprocessOptions } from './adjust.js'
export {
  type Box,
  type Geometry,
  liftToPicture,
  type Point,
  scaleGeometry,
  toModel,
  toSource,
} from './geometry.js'
export { crop, flatten, greyscale, MAX_PIXELS, type Picture, type Size } from './picture.js'
export {
  imagenetPreprocessing,
  letterboxed,
  type Padding,
  type Preprocessed,
  type PreprocessSpec,
  parsePreprocessorConfig,
  preprocess,
  type ResizeRule,
} from './preprocess.js'
export { type Rendition, rendition } from './rendition.js'
export { type Filter, resize, resizePlane } from './resize.js'
export { fixedSize } from './spec.js'
