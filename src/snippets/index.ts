/** Programs that run a compiled model elsewhere. */
export { pythonSnippet } from './python.js'
export type { SnippetInput, SnippetSubject } from './subject.js'
export { typescriptSnippet } from './typescript.js'
