export { withBoxes } from './boxes.js'
export { type Judged, withCheck } from './check.js'
export { type Background, backgroundOf, figureOf, figureOfOne } from './figure.js'
export { figureColumns, figureFooter, takenAt } from './words.js'
