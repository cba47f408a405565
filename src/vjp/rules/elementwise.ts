import { defineRules } from '../rule.js'

export const elementwise = defineRules({})
