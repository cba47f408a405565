import type { Studio } from './studio.js'
export class Live {
  constructor(readonly studio: Studio) {}
}
