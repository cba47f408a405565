import { defineRules } from '../rule.js'

export const conv = defineRules({})
