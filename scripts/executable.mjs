// The command can be run after every build, not only behind an installation, which is when npm sees to it.
import { chmodSync } from 'node:fs'

chmodSync(new URL('../dist/cli/main.js', import.meta.url), 0o755)
