import { defineRules } from '../rule.js'

export const activation = defineRules({})
