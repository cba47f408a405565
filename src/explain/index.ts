/** Compile, run, attribute, lay on the picture. */
export { refuseDisagreement } from './agreement.js'
export {
  type Caption,
  type CaptionOptions,
  type CaptionProgress,
  type CaptionTarget,
  type CaptionWord,
  captionTargets,
} from './caption.js'
export { compile } from './compile.js'
export type { DetectedBox, DetectionOptions } from './detect.js'
export type { Diagnosis, DiagnosisCode } from './diagnose.js'
export { type Askable, type DistinctOptions, distinctAnswers } from './distinct.js'
export { ENTRIES, encoderDecoder, towers } from './entries.js'
export {
  type ClassAnswer,
  type Explanation,
  type ExplanationData,
  explanationOf,
  type FedInput,
  type Heatmap,
  type Lifting,
  onPicture,
  type PictureMaps,
  type Provenance,
  type ProvenanceInput,
  type RawMap,
  reduceChannels,
  type SizedMaps,
} from './explanation.js'
export { FUSIONS, type Fusion, fuseLayers } from './fuse.js'
export { findPictureInput, type PictureInput } from './input.js'
export { type InspectedLayer, type InspectedValue, type Inspection, inspect } from './inspect.js'
export {
  type LayerChannel,
  type LayerChannelData,
  type LayerChannels,
  type LayerChannelsData,
  type LayerChannelsOptions,
  layerChannelsOf,
} from './layer-channels.js'
export { LIBRARIES, type Library } from './libraries.js'
export { type LoadOptions, loadModel } from './load.js'
export { Model } from './model.js'
export {
  type AssembledModel,
  assembleModel,
  type ModelFiles,
  type ModelParts,
  ownParts,
  parseLabels,
} from './model-files.js'
export type { EmbedOptions, ModelOptions } from './model-options.js'
export { parseNumbers } from './numbers-text.js'
export type { GivenOptions } from './options.js'
export { type GivenInputs, givenTensor, type Numbers, type OtherInput } from './others.js'
export type { CompileOptions, Plan, PlannedMap, RefusedMap, TokenGrid } from './plan.js'
export type { Image, ImageOptions, Prepared } from './prepare.js'
export {
  QUESTION_METHODS,
  type QuestionMethod,
  type QuestionWords,
  questionWords,
  type WordImportance,
} from './question.js'
export type { ExplainOptions, ExplanationSet, Progress, Refusal, Smoothing } from './request.js'
export { resultJson } from './result-json.js'
export type { SeenClass, Segmentation } from './segment.js'
export { type NamedImage, type SimilarOptions, type SimilarPicture, similar } from './similar.js'
export { VERSION } from './version.js'
export { type ModelText, type TextInputs, type TextOptions, textFeeds } from './written.js'
