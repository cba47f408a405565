/** How good a map is: metrics of one map, and of many together. */
export { type Aggregate, aggregate } from './aggregate.js'
export { type Check, type CheckOptions, type CheckReport, check } from './check.js'
export type { Verdict } from './checks.js'
export {
  type ComparedCell,
  type ComparedRow,
  type CompareOptions,
  checkComparison,
  comparePicture,
  meanCurve,
  pooled,
} from './comparison.js'
export { findMetric, METRICS } from './list.js'
export {
  costOf,
  type MeasuredSet,
  type MeasureOptions,
  type MeasureProgress,
  type MetricResult,
  measure,
  measureAll,
  type RefusedMetric,
} from './measure.js'
export {
  defineMetric,
  type MapPlane,
  type Measurement,
  type Metric,
  type MetricContext,
  type MetricCost,
  type MetricCurve,
  type MetricFamily,
  type MetricInfo,
  type MetricParts,
  metricInfo,
} from './metric.js'
export { type Mosaic, mosaic } from './mosaic.js'
export type { GivenTruth, TruthMask, TruthNeeds } from './truth.js'
