import { defineRules } from '../rule.js'

export const reduce = defineRules({})
