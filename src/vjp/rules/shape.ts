import { defineRules } from '../rule.js'

export const shape = defineRules({})
