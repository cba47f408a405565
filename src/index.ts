/**
 * The portable engine: read an ONNX graph, differentiate it, compile explanation methods into it. No runtime, no file system, no DOM;
 * whoever runs a model hands in a {@link Runtime}.
 *
 * @module onnxplain
 */
export { type ErrorCode, ExplainError } from './core/errors.js'
export {
  type Dim,
  LACKS,
  type Lack,
  type ModelFile,
  type OptimizationLevel,
  type Runtime,
  type Session,
  type SessionOptions,
  type ValueInfo,
} from './core/runtime.js'
export { type DataType, float32, int64, type Tensor, tensor } from './core/tensor.js'
export * from './explain/index.js'
export * from './image/index.js'
export { findMethod, METHODS } from './methods/index.js'
export {
  type CompiledInfo,
  type CompiledMethod,
  type DrivenInfo,
  type DrivenMethod,
  type Method,
  type MethodInfo,
  methodInfo,
} from './methods/method.js'
export * from './metrics/index.js'
export { decode, externalLocations } from './onnx/decode.js'
export { encode, encodeSkeleton } from './onnx/encode.js'
export { Graph, type Node } from './onnx/ir.js'
export { print } from './onnx/print.js'
export type { Shapes } from './onnx/shapes.js'
export { type JoinOptions, join } from './passes/join.js'
export { probe } from './passes/probe.js'
export * from './render/index.js'
export * from './targets/index.js'
export type { Score, TargetContext, TargetDefinition, TargetForm } from './targets/target.js'
export { type TextSettings, type Tokenizer, textSettings, tokenizerOf } from './text/index.js'
export { type DifferentiateOptions, differentiate, gradientName } from './vjp/differentiate.js'
