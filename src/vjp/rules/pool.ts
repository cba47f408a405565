import { defineRules } from '../rule.js'

export const pool = defineRules({})
