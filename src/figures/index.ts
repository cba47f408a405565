export { type Background, backgroundOf, figureOf, figureOfOne } from './figure.js'
