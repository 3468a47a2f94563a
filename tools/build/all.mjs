// Builds everything and keeps quiet about it, unless it fails: what `npm start` and the benchmark need before they begin.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const nx = createRequire(import.meta.url).resolve('nx')
const run = spawnSync(process.execPath, [nx, 'run-many', '-t', 'build', '--output-style=static'], {
  cwd: root,
  encoding: 'utf8',
  env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
})
if (run.status !== 0) {
  process.stderr.write(run.stdout + run.stderr)
  process.exit(run.status ?? 1)
}
