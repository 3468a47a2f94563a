// Builds the package in the current folder: `tsc -b` checks it and writes the declarations, esbuild writes one file per entry
// point (and the chunks that entries share or load lazily). A package of fifty small files would cost its user 25 ms at import;
// one file costs two.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../', import.meta.url))
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

/** The sources that package.json names: every path below the `@kaon/source` condition, and the commands. @returns {string[]} */
function entrySources() {
  /** @type {Set<string>} */
  const found = new Set()
  /** @param {unknown} value */
  const collect = (value) => {
    if (typeof value === 'string') {
      const source = value.replace(/^\.\/dist\/(.*)\.js$/, './src/$1.ts')
      if (/^\.\/src\/.*\.ts$/.test(source)) found.add(source.slice(2))
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
  }
  collect(manifest.exports)
  collect(manifest.bin ?? {})
  return [...found]
}

const project = existsSync('tsconfig.node.json') ? 'tsconfig.node.json' : 'tsconfig.json'
const check = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', project], {
  stdio: 'inherit',
})
if (check.status !== 0) process.exit(check.status ?? 1)

// Chunks carry a hash in their name: what an earlier build left would be packed too.
if (existsSync('dist')) {
  for (const entry of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
    if (/\.js(\.map)?$/.test(entry)) rmSync(join('dist', entry), { force: true })
  }
}
await build({
  entryPoints: entrySources(),
  outbase: 'src',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  packages: 'external',
  external: ['node:*'],
  sourcemap: true,
  sourcesContent: false,
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
})
