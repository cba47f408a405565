/** How maps of reference libraries are stored, and what our map has to be like. One list a family; `docs/methods.md` shows what was measured. */
import type { GivenOptions } from '../../../src/explain/options.js'

export interface Agreement {
  /** The method's id. */
  readonly method: string
  readonly options?: GivenOptions
  /** Value name of the layer, where it is not the default one. */
  readonly layer?: string
  readonly score?: 'logit' | 'probability'
  /** What made the fixture, with its version: `Captum 0.9.0`. */
  readonly reference: string
  /** `shipped` at the golden input (224 x 224), or a network of `test/fixtures/networks` at its input (96 x 96). */
  readonly network:
    | 'shipped'
    | 'resnet'
    | 'vgg'
    | 'efficientnet'
    | 'byobnet'
    | 'convnext'
    | 'vit'
    | 'shufflenet'
    | 'densenet'
  /** Class index. */
  readonly target: number
  /** A file of `test/fixtures/methods`, or with its folder, `golden/...`, of `test/fixtures`; without `.npy`: float32 or float16. */
  readonly fixture: string
  /**
   * What of our explanation is stored: the raw map as it is (`raw`), its middle pixels of every 4 x 4 (`every-fourth`: rows and columns 2, 6, 10, ...,
   * of all channels), or the heat map on the input's pixels in means of 8 x 8 (`blocks`).
   */
  readonly stored: 'raw' | 'every-fourth' | 'blocks'
  /** The least Pearson correlation: 0.99 and more for what is deterministic; for what is random what the reference has with itself over ten seeds. */
  readonly minimum: number
  /** The largest relative L2 distance, where the fixture has the map's own scale (in `golden/scales.json`, or itself); else only proportions count. */
  readonly relative?: number
  /** How the reference's parameters differ from its defaults, or why less is asked for. */
  readonly note?: string
}
