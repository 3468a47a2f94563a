// Bundles a benchmark (TypeScript) and runs it: node bench/run.mjs [throughput | loss | udp]
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const here = dirname(fileURLToPath(import.meta.url))
const names = process.argv.slice(2)
for (const name of names.length > 0 ? names : ['throughput', 'udp', 'loss']) {
  const out = await mkdtemp(join(tmpdir(), 'kaon-sctp-bench-'))
  try {
    await build({
      root: here,
      configFile: false,
      logLevel: 'error',
      build: { ssr: join(here, `${name}.ts`), outDir: out, emptyOutDir: false, target: 'node20', minify: false },
    })
    const { status } = spawnSync(process.execPath, [join(out, `${name}.js`)], { stdio: 'inherit' })
    if (status !== 0) process.exitCode = 1
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}
