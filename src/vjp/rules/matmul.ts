import { defineRules } from '../rule.js'

export const matmul = defineRules({})
