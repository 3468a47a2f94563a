import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './workspaces.mjs'

// The runtimes that the packages are tried on besides the one that runs the tests. npm ships all of them as packages.

const windows = process.platform === 'win32'
const nodePackage = `node-${windows ? 'win' : process.platform}-${process.arch}`
const nodeBinary = windows ? 'bin/node.exe' : 'bin/node'

/** @typedef {{ name: string, install: string, binaries: string[], run: (script: string) => string[] }} Runtime */

/** @type {Runtime[]} */
export const runtimes = [
  ...['20', '22', '24', '26'].map((major) => ({
    name: `Node ${major}`,
    install: `${nodePackage}@${major}`,
    binaries: [`${nodePackage}/${nodeBinary}`],
    run: (/** @type {string} */ script) => [script],
  })),
  // The installer of Bun moves its binary from the platform's package into `bun` itself when its script may run.
  {
    name: 'Bun',
    install: 'bun@1',
    binaries: ['bun/bin/bun.exe', `@oven/bun-${process.platform}-${process.arch}/bin/bun`],
    run: (script) => ['run', script],
  },
  {
    name: 'Deno',
    install: 'deno@2',
    binaries: [
      `@deno/${process.platform}-${process.arch}-glibc/deno`,
      `@deno/${process.platform}-${process.arch}/deno`,
      '@deno/win32-x64/deno.exe',
    ],
    run: (script) => ['run', '--allow-all', '--no-config', '--node-modules-dir=manual', script],
  },
]

/** The path of a runtime's binary, installed into this project's cache at first use. Throws when npm cannot bring it. @param {Runtime} runtime */
export function runtimeBinary(runtime) {
  const directory = join(root, 'node_modules/.cache/kaon-runtimes', runtime.name.replace(' ', '-').toLowerCase())
  const find = () =>
    runtime.binaries.map((path) => join(directory, 'node_modules', path)).find((path) => existsSync(path))
  const cached = find()
  if (cached !== undefined) return cached
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'package.json'), '{ "private": true }\n')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', runtime.install], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: windows,
  })
  const binary = find()
  if (binary === undefined)
    throw new Error(`${runtime.install} brought no binary for ${process.platform} ${process.arch}`)
  return binary
}
