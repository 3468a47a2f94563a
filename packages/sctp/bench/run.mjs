// Bundles a benchmark (TypeScript) and runs it: node bench/run.mjs [throughput | loss]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

const here = dirname(fileURLToPath(import.meta.url))
const names = process.argv.slice(2)
for (const name of names.length > 0 ? names : ['throughput', 'loss']) {
  const out = await mkdtemp(join(tmpdir(), 'kaon-sctp-bench-'))
  try {
    await build({
      root: here,
      configFile: false,
      logLevel: 'error',
      build: { ssr: join(here, `${name}.ts`), outDir: out, emptyOutDir: false, target: 'node20', minify: false },
    })
    await import(pathToFileURL(join(out, `${name}.js`)).href)
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}
