/** Every backward rule on every sample: against central differences, PyTorch, and itself differentiated again. */
import { testRules } from './suite.js'

testRules(1, 2)
