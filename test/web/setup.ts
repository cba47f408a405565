/** Runs once before the browser tests: finds their Chromium, or installs it, so that no two files do so at a time. */
import type { TestProject } from 'vitest/node'
import { findChromium } from './chromium.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the Chromium to start. */
    readonly chromium: string
  }
}

export default async function setup(project: TestProject): Promise<void> {
  project.provide('chromium', await findChromium())
}
