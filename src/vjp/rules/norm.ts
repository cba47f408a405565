import { defineRules } from '../rule.js'

export const norm = defineRules({})
